"""errnolab-browse, with a program in Chromium's place that says what Chromium says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "images" / "browser" / "browse.py"
PATIENCE_S = 10.0
URL = "http://server:8080/"
# Answers each command from a table: the events before the result, and the result; null
# says nothing, and "end" ends. Its messages go out in pieces of seven bytes.
CHROMIUM = f"""#!{sys.executable} -S
import json, os, sys
table = json.loads(os.environ["TABLE"])
unread = b""

def say(message):
    data = json.dumps(message).encode() + b"\\0"
    for start in range(0, len(data), 7):
        os.write(4, data[start : start + 7])

print("a word on stderr", file=sys.stderr, flush=True)
while piece := os.read(3, 65536):
    *commands, unread = (unread + piece).split(b"\\0")
    for command in map(json.loads, commands):
        events, result = table.get(command["method"], ([], {{}}))
        if result == "end":
            sys.exit(1)
        for event in events:
            say(event)
        if result is not None:
            say({{"id": command["id"], **result}})
"""

Said = dict[str, Any]
Browse = Callable[..., tuple[int, Said, str]]


def event(method: str, **params: object) -> Said:
    """Return an event as Chromium says it."""
    return {"method": method, "params": params}


def answered(status: int, *, what: str = "Document") -> Said:
    """Return the event that an answer's head came."""
    return event("Network.responseReceived", type=what, response={"status": status})


def failed(why: str, *, request: str = "page") -> Said:
    """Return the event that an answer broke off, or never came."""
    return event("Network.loadingFailed", requestId=request, errorText=why)


LOADED = event("Page.loadEventFired")
FINISHED = event("Network.loadingFinished", requestId="page")


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Run the program; give its exit status, what it printed, and its stderr."""
    chromium = tmp_path / "chromium-headless-shell"
    chromium.write_text(CHROMIUM)
    chromium.chmod(0o755)
    (tmp_path / "tmp").mkdir()

    def run(navigated: object, *arguments: str, text: str = "Hello") -> tuple[int, Said, str]:
        table = {
            "Target.createTarget": ([], {"result": {"targetId": "T"}}),
            "Target.attachToTarget": ([LOADED], {"result": {"sessionId": "S"}}),
            "Page.enable": ([], {"result": {}}),
            "Network.enable": ([], {"result": {}}),
            "Page.navigate": navigated,
            "Runtime.evaluate": ([], {"result": {"result": {"value": f"{text}\n"}}}),
            "Page.captureScreenshot": ([], {"result": {"data": "UE5H"}}),
        }
        command = [sys.executable, "-W", "error", str(PROGRAM), *arguments, URL]
        environment = {**os.environ, "TABLE": json.dumps(table), "TMPDIR": str(tmp_path / "tmp"),
                       "PATH": f"{tmp_path}:{os.environ['PATH']}"}  # fmt: skip
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert list((tmp_path / "tmp").iterdir()) == []  # It leaves no profile behind.
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    return run


def navigated(*events: Said, **result: str) -> tuple[list[Said], Said]:
    """Return what is said on the way to the URL, and the result of going there."""
    return list(events), {"result": {"frameId": "F", "loaderId": "page", **result}}


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_page_has_a_status_and_a_text_whatever_the_status(browse: Browse, status: int) -> None:
    code, said, stderr = browse(navigated(answered(status), FINISHED, LOADED))
    assert (code, stderr) == (0, "")
    assert (said["url"], said["status"], said["error"]) == (URL, status, "")
    assert (said["text"], said["waiting"]) == ("Hello", False)


def test_a_refused_connection_has_chromiums_name_for_it(browse: Browse) -> None:
    code, said, _ = browse(navigated(errorText="net::ERR_CONNECTION_REFUSED"), text="")
    assert (code, said["status"], said["error"]) == (1, None, "net::ERR_CONNECTION_REFUSED")


def test_an_answer_that_breaks_off_has_a_status_and_an_error(browse: Browse) -> None:
    """There is no load event then, and none is waited for."""
    broken = failed("net::ERR_CONTENT_LENGTH_MISMATCH")
    code, said, _ = browse(navigated(answered(200), broken))
    assert (code, said["status"], said["error"]) == (1, 200, "net::ERR_CONTENT_LENGTH_MISMATCH")


def test_what_a_page_brings_along_is_not_taken_for_the_page(browse: Browse) -> None:
    picture = [answered(404, what="Image"), failed("net::ERR_FAILED", request="picture")]
    _, said, _ = browse(navigated(answered(200), *picture, FINISHED, LOADED))
    assert (said["status"], said["error"]) == (200, "")


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_asked(browse: Browse) -> None:
    begun = time.monotonic()
    code, said, _ = browse(([], None), "--timeout-s", "0.3")
    assert (code, said["status"], said["error"], said["waiting"]) == (1, None, "", True)
    assert 300 <= said["elapsed_ms"] <= (time.monotonic() - begun) * 1000


@pytest.mark.parametrize(
    ("went", "why"),
    [
        (([], "end"), "Chromium has ended"),
        (([], {"error": {"message": "Cannot navigate"}}), "Page.navigate: Cannot navigate"),
    ],
)
def test_what_chromium_itself_gets_wrong_is_told_with_its_last_words(
    browse: Browse, went: object, why: str
) -> None:
    code, said, stderr = browse(went)
    assert (code, said) == (3, {})
    assert stderr == f"errnolab-browse: {why}\na word on stderr\n"


def test_a_picture_of_the_page_can_be_saved(browse: Browse, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    page = navigated(answered(200), FINISHED, LOADED)
    assert browse(page, "--screenshot", str(picture))[0] == 0
    assert picture.read_bytes() == b"PNG"
