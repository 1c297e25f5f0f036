"""The shapes of what the API says and hears about people, sessions and tokens."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from service.access import Role


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Credentials(_Request):
    """A person's name and password, or the token of a scanner's board."""

    name: str = Field(default="", max_length=64)
    password: SecretStr = Field(default=SecretStr(""), max_length=128)
    token: SecretStr = Field(default=SecretStr(""), max_length=128)


class NewPassword(_Request):
    """One's own password, and the next one."""

    current: SecretStr = Field(max_length=128)
    new: SecretStr = Field(max_length=128)


class SessionAnswer(_Answer):
    """Who is signed in."""

    signed_in: bool
    open: bool = Field(description="Nobody can sign in yet, and everybody on this machine may read")
    name: str
    role: str = Field(description="Empty for a token")
    scanner: str = Field(description="The only one that is shown; empty for all")
    permissions: list[str]
    temporary: bool = Field(description="The password has to be changed before all else")
    ends_at: datetime | None = Field(description="When the session ends at the latest")
    csrf: str = Field(description="What X-CSRF-Token of requests that change something holds")


class SessionItem(_Answer):
    """One browser in which a person is signed in."""

    id: int
    address: str
    created_at: datetime
    active_at: datetime
    this: bool = Field(description="It is the one that asks")


class SessionList(_Answer):
    """All sessions of a person, the newest first."""

    items: list[SessionItem]


class NewUser(_Request):
    """Somebody who shall be able to sign in."""

    name: str = Field(max_length=64)
    role: Role


class UserChange(_Request):
    """What changes about a person; what is left out stays."""

    role: Role | None = None
    locked: bool | None = None


class UserAnswer(_Answer):
    """A person who may sign in."""

    name: str
    role: Role
    locked: bool
    temporary: bool = Field(description="The password has to be changed at the next sign-in")
    created_at: datetime
    seen_at: datetime | None = Field(description="The last sign-in")


class UserList(_Answer):
    """All people, by name."""

    items: list[UserAnswer]


class InvitedAnswer(_Answer):
    """A person with a password that is told this once, and opens only the door to a new one."""

    user: UserAnswer
    password: str


class NewToken(_Request):
    """What a program or a board shall present."""

    name: str = Field(max_length=32)
    scopes: list[str] = Field(max_length=16)
    days: float | None = Field(default=None, gt=0, le=3650, description="For how long; until revoked without")
    scanner: str = Field(default="", max_length=64, description="Shows this one alone: for its board")
    ae_title: str = Field(
        default="",
        pattern=r"^[\x20-\x5b\x5d-\x7e]{0,16}$",
        description="What images sent with it count as sent by",
    )


class TokenAnswer(_Answer):
    """A token, without its secret."""

    name: str
    scopes: list[str]
    scanner: str
    ae_title: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class TokenList(_Answer):
    """All tokens, by name."""

    items: list[TokenAnswer]
    scopes: list[str] = Field(description="What a token may be for")
    board_scopes: list[str] = Field(description="What the token of a scanner's board may be for")


class IssuedAnswer(_Answer):
    """A new token; its secret is told this once."""

    token: TokenAnswer
    secret: str
