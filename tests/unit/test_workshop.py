"""The workshop's programs are the tutorial's, and what was changed in them is marked."""

# ruff: noqa: RUF001 - a line of the program is in Chinese.

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lab.images import IMAGES
from lab.tutorial import CLAIMS

FOLDER = IMAGES / "workshop"
SNIPPETS = sorted((FOLDER / "snippets").iterdir())
# What is compiled for Windows into the image of the host `windows`.
WINDOWS = sorted((IMAGES / "windows" / "tutorial").glob("*.c*"))
TUTORIAL = os.environ.get("ERRNOLAB_TUTORIAL", "")

needs_the_text = pytest.mark.skipif(not TUTORIAL, reason="ERRNOLAB_TUTORIAL names no file")


def blocks() -> list[str]:
    """Return the tutorial's pieces of code, in its order."""
    text = Path(TUTORIAL).read_text(encoding="utf-8")
    return re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def added(program: str, *from_blocks: str) -> list[str]:
    """Return the lines of a program that none of the tutorial's pieces has."""
    theirs = {line for block in from_blocks for line in block.splitlines()}
    lines = (FOLDER / program).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line not in theirs]


@needs_the_text
def test_the_server_is_the_tutorials_word_for_word() -> None:
    assert (FOLDER / "server.cpp").read_text(encoding="utf-8") == blocks()[0]


@needs_the_text
def test_the_http_server_has_one_line_that_the_tutorial_has_not() -> None:
    assert added("http.cpp", *blocks()) == [
        "        setResponse(buff);    // 教程只给出了这个函数："
        "在这里调用它，代替上面的 strcmp 和两个 send"
    ]


@needs_the_text
def test_every_line_of_the_client_that_was_changed_is_marked() -> None:
    client = next(block for block in blocks() if "WSAStartup" in block)
    assert [line for line in added("client.cpp", client) if "// PORT: " not in line] == [
        "// The tutorial's client for Windows, on POSIX, with the fewest changes. What was",
        "// changed is marked PORT, with what stood there.",
    ]


@needs_the_text
def test_every_line_of_the_corrected_client_is_the_clients_or_the_tutorials() -> None:
    client = (FOLDER / "client.cpp").read_text(encoding="utf-8")
    lines = added("client-corrected.cpp", client, *blocks())
    assert [line for line in lines if "// CORRECTED: " not in line] == [
        "// client.cpp with the tutorial's correction of connect(): CORRECTED marks its lines,",
        "// with what was changed for this client; PORT marks what client.cpp changes.",
    ]


@needs_the_text
def test_every_line_of_the_windows_client_that_was_changed_is_marked() -> None:
    client = next(block for block in blocks() if "WSAStartup" in block)
    assert [line for line in added("winsock/client.cpp", client) if "// LAB: " not in line] == [
        "// The tutorial's client for Windows as it is written, but for the address of the server:",
        "// LAB marks what was changed, with what stood there.",
    ]


def test_every_line_of_the_corrected_windows_client_that_was_changed_is_marked() -> None:
    client = (FOLDER / "winsock/client.cpp").read_text(encoding="utf-8")
    lines = added("winsock/client-corrected.cpp", client)
    assert [line for line in lines if "// CORRECTED: " not in line] == [
        "// client.cpp with what it leaves out: CORRECTED marks what was changed or added, and LAB",
        "// what client.cpp changes. It links with -lws2_32 alone: -lwsock32 has no inet_pton().",
    ]


def test_the_windows_host_has_the_clients_that_the_workshop_links() -> None:
    linked = {path.name: path.resolve() for path in WINDOWS if path.is_symlink()}
    assert linked == {path.name: path for path in sorted((FOLDER / "winsock").iterdir())}


def test_the_corrected_client_differs_from_the_client_at_connect_alone() -> None:
    client, corrected = (
        (FOLDER / name).read_text(encoding="utf-8").splitlines()
        for name in ("client.cpp", "client-corrected.cpp")
    )
    assert [line for line in client[2:] if line not in corrected] == [
        '        printf("connect failed!\\n");'
    ]
    assert len(corrected) == len(client) + 2  # <errno.h> and close()


@pytest.mark.parametrize(
    "path",
    [*SNIPPETS, *(path for path in WINDOWS if not path.is_symlink())],
    ids=lambda path: path.name,
)
def test_a_snippet_says_which_claims_it_shows(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = re.match(r"(?://|/\*) ((?:C\d+b?(?:, )?)+): \S", first)
    assert named and set(named[1].split(", ")) <= set(CLAIMS)


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.name)
def test_a_snippet_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 20
