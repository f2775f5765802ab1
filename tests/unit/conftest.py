"""What tests of the agent's calls share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from lab.inside.caller import Caller
from lab.topology import FAMILIES
from tests.unit.maker import Maker


@pytest.fixture(params=FAMILIES)
def make(request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Calls in this process, which gets its signals and descriptors back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGALRM)}
    maker = Maker(request.param)
    yield maker
    for name in maker.sockets.numbers:
        if maker.sockets.is_open(name):
            os.close(maker.sockets.number(name))
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A caller, forked before a test starts any thread."""
    forked = Caller()
    yield forked
    forked.close()
