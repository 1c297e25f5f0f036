"""Decoder: compressed frames are decoded in processes of their own, whose end harms nobody but the frame."""

import atexit
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from inference.codestream import Codestream, UnreadableImage
from inference.decoder_child import ANSWER, READY, REQUEST, container
from inference.text import Text

PROGRAM = Path(__file__).with_name("decoder_child.py")
MOST_CHILDREN = 2  # at a time in one process
SECONDS = 10  # of processor time for one frame; 2048 x 2048 pixels of JPEG 2000 take two
PATIENCE_S = 60.0  # on the clock: the processors may be busy with other things
_STARTING_S = 30.0  # for a child to import its libraries on a busy machine
_KEPT = ("LD_LIBRARY_PATH", "PYTHONHOME")  # of the environment; keys and passwords are not for decoders
_log = logging.getLogger(__name__)


_UNDECODED = Text(
    "the compressed pixels cannot be decoded ({kind})",
    "die komprimierten Pixel lassen sich nicht dekodieren ({kind})",
)


class NoDecoder(UnreadableImage):
    """No process could be started that decodes; the pixels may be sound."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "No process could be started that decodes; the pixels may be sound.",
                "Kein Prozess zum Dekodieren ließ sich starten; die Pixel mögen heil sein.",
            )
        )


class DecoderDied(Exception):
    """The process that was decoding has ended."""


@dataclass(slots=True)
class _Child:
    process: "subprocess.Popen[bytes]"
    channel: socket.socket

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()

    def greet(self) -> None:
        """Wait until it is ready. Raises NoDecoder."""
        with suppress(OSError, DecoderDied):
            if bytes(self._received(len(READY), time.monotonic() + _STARTING_S)) == READY:
                return
        self.end()
        raise NoDecoder

    def ask(self, frame: bytes, said: Codestream, *, seconds: int, patience_s: float) -> tuple[bool, bytes]:
        """Send one frame and wait for its answer. Raises DecoderDied and TimeoutError."""
        until = time.monotonic() + patience_s
        request = REQUEST.pack(
            said.coding.encode(), said.rows, said.columns, said.precision, said.process, len(frame), seconds
        )
        try:
            self._patience(until)
            self.channel.sendall(request + frame)
            good, length = ANSWER.unpack(self._received(ANSWER.size, until))
            # A child that a hostile frame has taken over may claim anything.
            most = said.rows * said.columns * container(said.precision)
            if length > max(most, 64):
                raise DecoderDied
            answer = self._received(length, until)
        except TimeoutError:
            raise
        except OSError as error:
            raise DecoderDied from error
        return good, bytes(answer)

    def _received(self, length: int, until: float) -> bytearray:
        received = bytearray(length)
        view, done = memoryview(received), 0
        while done < length:
            self._patience(until)
            got = self.channel.recv_into(view[done:])
            if not got:
                raise DecoderDied
            done += got
        return received

    def _patience(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.channel.settimeout(left)


@dataclass(slots=True)
class Decoder:
    """Decodes frames, one at a time in each of its few processes, which are started when needed and kept warm.

    Any thread may call it. A process that crashes, hangs or wants too much is replaced.
    """

    program: Path = PROGRAM
    seconds: int = SECONDS
    patience_s: float = PATIENCE_S
    _idle: deque[_Child] = field(default_factory=deque["_Child"])
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_CHILDREN)
    )

    def __post_init__(self) -> None:
        atexit.register(self.close)

    def __call__(self, frame: bytes, said: Codestream) -> bytes:
        """Give the samples of a frame, row by row, each in the fewest of 1, 2 or 4 bytes, little endian.

        Raises UnreadableImage, with the reason; NoDecoder among them, which may be better later.
        """
        good, answer = self._asked(frame, said)
        if not good:
            kind = answer.decode("ascii") if answer.isalpha() else "no reason"  # it may say anything
            raise UnreadableImage(_UNDECODED.filled({"kind": kind}))
        if len(answer) != said.rows * said.columns * container(said.precision):
            raise UnreadableImage(
                Text(
                    "the pixels do not have the announced matrix",
                    "die Pixel haben nicht die angekündigte Matrix",
                )
            )
        return answer

    def close(self) -> None:
        """End the processes that wait; those at work end with this one."""
        with suppress(IndexError):
            while True:
                self._idle.pop().end()

    def _asked(self, frame: bytes, said: Codestream) -> tuple[bool, bytes]:
        """Ask a child; one that died may have been ended by somebody else, so a second one is asked."""
        with self._places:
            for _ in range(2):
                with suppress(DecoderDied), self._child() as child:
                    return child.ask(frame, said, seconds=self.seconds, patience_s=self.patience_s)
        raise UnreadableImage(
            Text(
                "the decoder ended on these compressed pixels",
                "der Decoder brach an diesen komprimierten Pixeln ab",
            )
        )

    @contextmanager
    def _child(self) -> Generator[_Child]:
        """Lend a child; what happens inside of the block decides whether it is kept."""
        child = self._idle_one() or self._started()
        try:
            yield child
        except BaseException as error:
            child.end()
            code = child.process.returncode
            _log.warning("decoder replaced", extra={"exit_code": code})
            if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
                raise UnreadableImage(
                    Text(
                        "decoding the compressed pixels took too long",
                        "das Dekodieren der komprimierten Pixel dauerte zu lange",
                    )
                ) from None
            raise
        else:
            self._idle.append(child)

    def _idle_one(self) -> _Child | None:
        with suppress(IndexError):
            while True:
                child = self._idle.pop()
                if child.alive:
                    return child
                child.end()
        return None

    def _started(self) -> _Child:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program, and a number
                [sys.executable, "-I", str(self.program), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},  # a thread reserves address space
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise NoDecoder from error
        finally:
            theirs.close()
        child = _Child(process, ours)
        child.greet()
        return child
