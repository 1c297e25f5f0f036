"""The web on a real socket, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from service.web import run_web


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Run the server in a thread for as long as the block is open; gives its base URL."""
    stop, bound, ports = threading.Event(), threading.Event(), []

    def told(port: int) -> None:
        ports.append(port)
        bound.set()

    thread = threading.Thread(target=run_web, args=(app, "127.0.0.1", port, stop), kwargs={"bound": told})
    thread.start()
    try:
        assert bound.wait(10), "the server did not start"
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
