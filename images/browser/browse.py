#!/usr/bin/python3
"""errnolab-browse: what a browser makes of a URL, as one JSON object on stdout.

    {"url": "http://server:8080/", "status": 200, "error": "", "waiting": false,
     "text": "Hello", "elapsed_ms": 31.0}

`status` is null if no answer came, and `error` then has Chromium's name for why:
net::ERR_CONNECTION_REFUSED. Both are set if an answer began and broke off. `waiting`
is true if we did not wait for more: a browser waits for minutes. `text` is what the
page shows; a browser without a window draws no error page of its own.

Chromium is told what to do, and tells what happens, over two pipes: one JSON message
after another with a zero byte behind each (the DevTools protocol,
https://chromedevtools.github.io/devtools-protocol/).

Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

CHROMIUM = [
    "chromium-headless-shell",
    "--remote-debugging-pipe",
    "--no-sandbox",  # the host is one: root there has two capabilities, and no SETUID
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /tmp is larger
    "--no-proxy-server",
    # What it would ask of the world on its own. The lab lets nothing out anyway.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disk-cache-size=1048576",
]
PATIENCE_S = 20.0  # to start, and to say what is on a page, on a busy machine
FROM_US, TO_US = 3, 4  # the file descriptors that Chromium's pipes have

Message = dict[str, Any]


class BrowserError(Exception):
    """Chromium did not do what it should; the message is complete."""


class NothingCame(BrowserError):
    """Chromium had nothing more to say in time."""


class Browser:
    """A running Chromium: commands go to it one at a time, events come at any time."""

    def __init__(self, commands: int, messages: int) -> None:
        self.commands = commands
        self.messages = messages
        self.deadline = time.monotonic() + PATIENCE_S
        self.session: Message = {}
        self.events: list[Message] = []
        self.unread = b""
        self.number = 0

    def call(self, method: str, **params: object) -> Message:
        """Carry out one command and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **self.session}
        try:
            os.write(self.commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserError("Chromium has ended") from None
        while (answer := self.next_message()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        result: Message = answer["result"]
        return result

    def wait_for(self, is_it: Callable[[Message], bool]) -> Message:
        """Take events until this one has come, and return it."""
        while not (found := next(filter(is_it, self.events), None)):
            self.events.append(self.next_message())
        return found

    def all(self, method: str) -> list[Message]:
        """Return what the events of this name said."""
        return [event["params"] for event in self.events if event["method"] == method]

    def next_message(self) -> Message:
        """Return the next message.

        Raises: NothingCame if none comes in time, BrowserError if Chromium has ended.
        """
        while b"\0" not in self.unread:
            if not select([self.messages], [], [], max(0.0, self.deadline - time.monotonic()))[0]:
                raise NothingCame("nothing more came from Chromium in time")
            piece = os.read(self.messages, 65536)
            if not piece:
                raise BrowserError("Chromium has ended")
            self.unread += piece
        first, _, self.unread = self.unread.partition(b"\0")
        message: Message = json.loads(first)
        return message


@contextmanager
def running(folder: str) -> Iterator[Browser]:
    """Run Chromium with a profile of its own in the folder; end it, with all its processes."""
    read_commands, commands = os.pipe()
    messages, write_messages = os.pipe()
    # The shell gives the pipes the numbers that Chromium wants, whatever they are here.
    script = f'exec "$@" {FROM_US}<&{read_commands} {TO_US}>&{write_messages}'
    ours = (read_commands, write_messages)
    command = ["bash", "-c", script, "bash", *CHROMIUM, f"--user-data-dir={folder}", "about:blank"]
    with (Path(folder) / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command,
            pass_fds=ours,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "HOME": folder},
            start_new_session=True,
        )
    try:
        for number in ours:
            os.close(number)
        yield Browser(commands, messages)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(commands)
        os.close(messages)


def open_page(browser: Browser) -> None:
    """Open an empty page; what follows is about it."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    browser.session = {"sessionId": attached["sessionId"]}
    browser.call("Page.enable")
    browser.call("Network.enable")
    browser.events.clear()


def browse(browser: Browser, url: str, timeout_s: float) -> Message:
    """Go to the URL, and return what came of it."""
    begun = time.monotonic()
    browser.deadline = begun + timeout_s
    waiting, error = False, ""
    try:
        error = go(browser, url)
    except NothingCame:
        waiting = True
    elapsed_ms = round((time.monotonic() - begun) * 1000, 1)
    browser.deadline = time.monotonic() + PATIENCE_S
    answers = [
        params["response"]["status"]
        for params in browser.all("Network.responseReceived")
        if params["type"] == "Document"
    ]
    return {
        "url": url,
        "status": answers[-1] if answers else None,
        "error": error,
        "waiting": waiting,
        "text": "" if waiting else shown(browser),
        "elapsed_ms": elapsed_ms,
    }


def go(browser: Browser, url: str) -> str:
    """Go to the URL and wait for all of the page; return why it did not come, or nothing."""
    went = browser.call("Page.navigate", url=url)
    if "errorText" in went:
        return str(went["errorText"])
    ends = ("Network.loadingFinished", "Network.loadingFailed")
    end = browser.wait_for(
        lambda event: event["method"] in ends and event["params"]["requestId"] == went["loaderId"]
    )
    if end["method"] == "Network.loadingFailed":
        return str(end["params"]["errorText"])
    browser.wait_for(lambda event: bool(event["method"] == "Page.loadEventFired"))
    return ""


def shown(browser: Browser) -> str:
    """Return the text of the page as it is now."""
    expression = "document.body ? document.body.innerText : ''"
    evaluated = browser.call("Runtime.evaluate", expression=expression, returnByValue=True)
    return str(evaluated["result"].get("value", "")).strip()


def save_picture(browser: Browser, path: str) -> None:
    """Save what the page looks like as PNG."""
    picture = browser.call("Page.captureScreenshot", format="png")["data"]
    Path(path).write_bytes(base64.b64decode(picture))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a bad argument ends the program with status 2."""
    parser = argparse.ArgumentParser(
        prog="errnolab-browse",
        description="Open a URL in Chromium and print what came of it as JSON.",
        epilog="Exit status: 0 the page came, 1 it did not (see error and waiting),"
        " 2 bad argument, 3 Chromium itself failed.",
    )
    parser.add_argument("url")
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture of the page as PNG")
    parser.add_argument("--timeout-s", type=float, metavar="S", default=10.0, help="default 10")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the program and return its exit status."""
    options = parse()
    with tempfile.TemporaryDirectory(prefix="browse-", ignore_cleanup_errors=True) as folder:
        try:
            with running(folder) as browser:
                open_page(browser)
                found = browse(browser, options.url, options.timeout_s)
                if options.screenshot:
                    save_picture(browser, options.screenshot)
        except BrowserError as error:
            last = (Path(folder) / "stderr").read_text(errors="replace").splitlines()[-5:]
            print("\n".join([f"errnolab-browse: {error}", *last]), file=sys.stderr)
            return 3
    print(json.dumps(found))
    return 1 if found["error"] or found["waiting"] else 0


if __name__ == "__main__":
    sys.exit(main())
