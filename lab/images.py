"""The image of the lab's hosts, made from a Debian base once and then reused.

The base is pulled where a registry answers, and otherwise bootstrapped out of
Debian's packages. Every package that the lab needs is installed on top of it, so
both make the same lab. The tag carries a hash of all that goes in: an edit makes
a new image, and no edit costs one question to the engine.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lab import apt, console, places, pypi, shell
from lab.engine import Engine, patience
from lab.errors import CommandFailed, ImageError, NotForThisMachine
from lab.topology import GUESTS

SUITE = "bookworm"
PULLED = f"debian:{SUITE}-slim"
BASE = f"errnolab/base:{SUITE}"
HOST = "errnolab/host"
# Images for the network of one of the hosts, made like a guest's.
BESIDE = ("services",)
# The processor that a guest's programs are for, where they are for one alone.
ONLY_ON = {"windows": "amd64"}
LABEL = "errnolab=image"
STAGE = "errnolab=stage"
IMAGES = places.SHIPPED / "images"

# A registry that needs longer to say what it has would take minutes to send it.
REGISTRY_S = 5.0
PULL_S = 180.0
TOOLS = ("mmdebstrap", "debian-archive-keyring")
KEPT_LINES = 12
FULL = "no space left on device"

Detail = Callable[[str], None]


def ensure(engine: Engine) -> str:
    """Return the tag of the host image, after making what is missing.

    Raises: ImageError with the last lines of the build and what to run next.
    """
    tag = host_tag()
    if not is_there(engine, tag):
        _ensure_base(engine)
        with _making(f"Building {tag}") as detail:
            _build(engine, IMAGES / "host", tag, {"BASE": BASE}, detail)
    return tag


def ensure_guest(engine: Engine, role: str) -> str:
    """Return the tag of a guest's image, which stands on the host image, after making it.

    Raises: ImageError; NotForThisMachine if it cannot be made here whatever is done.
    """
    needed = ONLY_ON.get(role, engine.processor)
    if engine.processor not in ("", needed):
        raise NotForThisMachine(
            f"{role}: its programs are for {needed}, and this engine's machine "
            f"is {engine.processor}"
        )
    tag = guest_tag(role)
    if not is_there(engine, tag):
        base = ensure(engine)
        again = f"{console.this_command()} up --with {role}"
        with (
            _making(f"Building {tag}, which only some scenarios need", again) as detail,
            _context(IMAGES / role, detail) as folder,
        ):
            _build(engine, folder, tag, {"BASE": base}, detail)
            _remove_stages(engine)
    return tag


def host_tag() -> str:
    """Return the name of the host image that belongs to the files as they are now."""
    return f"{HOST}:{_fingerprint(SUITE, 'host')}"


def guest_tag(role: str) -> str:
    """Return the name of a guest's image that belongs to the files as they are now."""
    return f"errnolab/{role}:{_fingerprint(host_tag(), role)}"


def _fingerprint(base: str, folder: str) -> str:
    """Return what tells an image from others of its name: its base, and each of its files."""
    content = hashlib.sha256(base.encode())
    for path in sorted(_sources(IMAGES / folder)):
        content.update(f"{path.relative_to(IMAGES)} {path.stat().st_mode & 0o111:o}".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:12]


def registry_answers(engine: Engine) -> bool:
    """Ask the engine whether the base can be pulled, for 5 s at most."""
    import requests  # noqa: PLC0415 - as slow as the SDK that brings it
    from docker.errors import APIError  # noqa: PLC0415

    try:
        with patience(engine.client, REGISTRY_S):
            engine.client.images.get_registry_data(PULLED)
    except (APIError, requests.RequestException):
        return False
    return True


def remove_ours(engine: Engine) -> list[str]:
    """Remove the images that we made and no longer use; return what is gone.

    The base and the present host image stay, and so does whatever a container uses.
    """
    from docker.errors import APIError  # noqa: PLC0415

    gone: list[str] = []
    kept = {BASE, host_tag(), *map(guest_tag, (*GUESTS, *BESIDE))}
    for image in engine.client.images.list(filters={"label": LABEL}):
        if not kept & set(image.tags):
            try:
                engine.client.images.remove(str(image.id))
            except APIError as why:
                console.say(f"kept {_name(image)}: {why.explanation}")
            else:
                gone.append(_name(image))
    return gone


def _name(image: Any) -> str:
    return str(image.tags[0] if image.tags else image.short_id)


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def is_there(engine: Engine, tag: str) -> bool:
    """Tell whether the engine has an image."""
    from docker.errors import ImageNotFound  # noqa: PLC0415

    try:
        engine.client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _ensure_base(engine: Engine) -> None:
    if is_there(engine, BASE):
        return
    if is_there(engine, PULLED) or _pull(engine):
        with _making(f"Taking {PULLED} as {BASE}") as detail:
            _build(engine, IMAGES / "base", BASE, {"PULLED": PULLED}, detail)
    else:
        _bootstrap(engine)


def _pull(engine: Engine) -> bool:
    """Pull the base if a registry answers; say whether it is there now."""
    with console.step(f"Asking for {PULLED}"):
        if not registry_answers(engine):
            console.say(f"No registry offers {PULLED} here: bootstrapping {SUITE} from packages")
            return False
    with console.step(f"Pulling {PULLED}"):
        try:
            shell.run([engine.cli, "pull", "--quiet", PULLED], timeout_s=PULL_S)
        except CommandFailed as failed:
            console.say(f"{failed}\nBootstrapping {SUITE} from packages instead")
            return False
    return True


def _bootstrap(engine: Engine) -> None:
    """Make the base out of Debian's packages, security updates among them."""
    _ensure_tools()
    with tempfile.TemporaryDirectory(prefix="errnolab-") as folder:
        tar = Path(folder) / "base.tar"
        with _making(f"Bootstrapping {SUITE} (about 30 s)") as detail:
            argv = ["mmdebstrap", "--variant=minbase", *_slim(), SUITE, str(tar)]
            shell.run(argv, on_line=_shortly(detail))
        with _making(f"Importing {BASE}"):
            _import(engine, tar)


def _ensure_tools() -> None:
    if shutil.which("mmdebstrap"):
        return
    if not apt.usable():
        raise ImageError(
            f"the lab's base image can be neither pulled nor bootstrapped\n"
            f"  no registry offers {PULLED}, and mmdebstrap is missing\n"
            f"  as root on Debian or Ubuntu: `apt-get install {' '.join(TOOLS)}`; elsewhere:\n"
            f"  `docker load` an image {PULLED} saved on another machine. Then: make lab-up"
        )
    try:
        apt.install(*TOOLS)
    except CommandFailed as failed:
        raise ImageError(f"mmdebstrap is needed for the base image: {failed}") from failed


def _slim() -> Iterator[str]:
    """Leave out what the pulled image leaves out too: manuals and translations."""
    for path in ("doc", "man", "info", "locale"):
        yield f"--dpkgopt=path-exclude=/usr/share/{path}/*"
    yield '--aptopt=Acquire::Languages "none"'


def _import(engine: Engine, tar: Path) -> None:
    name, _, tag = BASE.partition(":")
    key, _, value = LABEL.partition("=")
    changes = [f"LABEL {key}={value}", 'CMD ["bash"]']
    answer = engine.client.api.import_image(str(tar), name, tag, changes=changes)
    # The engine reports a failure of an import in a body of status 200.
    if '"error"' in str(answer):
        raise ImageError(str(answer).strip())


def _build(engine: Engine, folder: Path, tag: str, args: Mapping[str, str], detail: Detail) -> None:
    """Build with the engine's own builder, which is there without a plugin."""
    events = engine.client.api.build(
        path=str(folder), tag=tag, buildargs=dict(args), rm=True, forcerm=True, decode=True
    )
    _follow(events, _shortly(detail))


def _remove_stages(engine: Engine) -> None:
    """Remove what images were compiled in, which may be larger than they are.

    Of one that is being made just now, a container uses it.
    """
    from docker.errors import APIError  # noqa: PLC0415

    for image in engine.client.images.list(filters={"label": STAGE, "dangling": True}):
        with suppress(APIError):
            engine.client.images.remove(str(image.id))


@contextmanager
def _context(folder: Path, detail: Detail) -> Iterator[Path]:
    """Yield a copy of the folder to build from; with requirements.txt it has them in pypi/.

    A file that two images share is a link in one of the folders, and a file in the copy.
    """
    with tempfile.TemporaryDirectory(prefix="errnolab-") as made:
        context = Path(made) / folder.name
        shutil.copytree(folder, context)
        requirements = context / "requirements.txt"
        if requirements.is_file():
            pypi.fetch(requirements, context / "pypi", _shortly(detail))
        yield context


def _follow(events: Iterable[Mapping[str, Any]], on_line: Detail) -> None:
    """Show a build's lines as they come.

    Raises: ImageError with the last 12 lines if the build fails.
    """
    lines: list[str] = []
    for event in events:
        for line in _plain(str(event.get("stream", ""))).splitlines():
            lines.append(line)
            on_line(line)
        if "error" in event:
            last = [*lines[-KEPT_LINES:], _plain(str(event["error"]))]
            raise ImageError("\n".join(f"  {line}" for line in last if line.strip()))


def _plain(text: str) -> str:
    """Return a text without the colours that a builder puts in."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _shortly(detail: Detail) -> Detail:
    """Pass on lines that say something in a few words, without addresses."""

    def show(line: str) -> None:
        if line.strip() and "://" not in line:
            detail(line.strip()[:60])

    return show


@contextmanager
def _making(what: str, again: str = "make lab-up") -> Iterator[Detail]:
    """Show that an image is being made, and make one ImageError of what can go wrong."""
    import requests  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        with console.step(what) as detail:
            yield detail
    except (CommandFailed, DockerException, requests.RequestException, OSError, ImageError) as why:
        raise ImageError(f"{what} failed\n{why}\n{_next_step(str(why), again)}") from why


def _next_step(why: str, again: str) -> str:
    if FULL in why.lower():
        return (
            "  the disk is full: see `df -h` and `docker system df`, free about 1 GB, and\n"
            f"  then again: {again} (`make clean` removes old images of this lab)"
        )
    return f"  then again: {again}"
