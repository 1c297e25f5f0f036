"""What the operations are handed: the house and the feed of this application."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from service.web.feed import Feed
from service.web.house import House


async def _house(request: Request) -> House:
    house = request.app.state.house
    assert isinstance(house, House)
    return house


async def _feed(request: Request) -> Feed:
    feed = request.app.state.feed
    assert isinstance(feed, Feed)
    return feed


HouseOf = Annotated[House, Depends(_house)]
FeedOf = Annotated[Feed, Depends(_feed)]

SeriesId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Opaque id of a series")]
Position = Annotated[int, Path(ge=0, le=1_000_000, description="0-based position of the slice in the series")]
Limit = Annotated[int, Query(ge=1, le=200, description="Items of a page")]
Cursor = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9._~:=-]{1,200}$", description="`next_cursor` of the page before")
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._-]{8,64}$",
        description="Of the request: the same one again counts once",
    ),
]
