"""The host image is made once for its files, from a pulled or a bootstrapped base."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from docker.errors import APIError, ImageNotFound

from lab import apt, images, shell
from lab.engine import Engine
from lab.errors import CommandFailed, ImageError, NotForThisMachine

SOURCE = images.IMAGES / "host"


class FakeEngine:
    """An engine that keeps images by tag and remembers what it was asked to do."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.did: list[str] = []
        self.registry: Exception | None = APIError("no such host")
        self.events: list[dict[str, Any]] = [{"stream": "Step 1/9 : FROM x\n"}]
        self.imported = "{}"
        self.listed: list[Any] = []
        self.stages: list[Any] = []
        self.in_use: set[str] = set()
        self.api = SimpleNamespace(timeout=60, build=self.build, import_image=self.import_image)
        self.images = SimpleNamespace(
            get=self.get, get_registry_data=self.ask, list=self.list, remove=self.remove
        )

    def get(self, tag: str) -> None:
        if tag not in self.tags:
            raise ImageNotFound(tag)

    def ask(self, tag: str) -> None:
        self.did.append(f"ask {tag} for {self.api.timeout} s")
        if self.registry:
            raise self.registry

    def build(self, *, tag: str, buildargs: dict[str, str], **_kwargs: Any) -> list[dict[str, Any]]:
        self.did.append(f"build {tag.partition(':')[0]} on {next(iter(buildargs.values()))}")
        if not any("error" in event for event in self.events):
            self.tags.add(tag)
        return self.events

    def import_image(self, _tar: str, name: str, tag: str, changes: list[str]) -> str:
        self.did.append(f"import {name}:{tag} with {changes[0]}")
        self.tags.add(f"{name}:{tag}")
        return self.imported

    def list(self, *, filters: dict[str, Any]) -> Any:
        return {images.LABEL: self.listed, images.STAGE: self.stages}[filters["label"]]

    def remove(self, name: str) -> None:
        if name in self.in_use:
            raise APIError("conflict", explanation="a container uses it")
        self.did.append(f"remove {name}")


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def engine(fake: FakeEngine) -> Engine:
    client: Any = fake
    return Engine(cli="/usr/bin/docker", client=client, name="Docker", version="20.10.24")


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the programs that were run."""
    names: list[str] = []

    def run(argv: Sequence[str], **_kwargs: Any) -> str:
        names.append(" ".join(argv[:2]))
        return ""

    monkeypatch.setattr(shell, "run", run)
    monkeypatch.setattr("lab.images.shutil.which", lambda name: f"/usr/bin/{name}")
    return names


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "server.py").write_text("one")
    monkeypatch.setattr(images, "IMAGES", tmp_path)
    return tmp_path / "host"


def breaks(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    def run(argv: Sequence[str], **_kwargs: Any) -> str:
        raise CommandFailed("here", argv, 1, stdout=said)

    monkeypatch.setattr(shell, "run", run)


def test_an_image_that_is_there_costs_one_question(engine: Engine, fake: FakeEngine) -> None:
    fake.tags = {images.host_tag()}
    assert images.ensure(engine) == images.host_tag()
    assert fake.did == []


def test_without_a_registry_the_base_is_bootstrapped(
    engine: Engine, fake: FakeEngine, ran: list[str]
) -> None:
    images.ensure(engine)
    assert ran == ["mmdebstrap --variant=minbase"]
    assert fake.did == [
        "ask debian:bookworm-slim for 5 s",
        "import errnolab/base:bookworm with LABEL errnolab=image",
        "build errnolab/host on errnolab/base:bookworm",
    ]


def test_a_registry_that_is_silent_is_not_waited_for(engine: Engine, fake: FakeEngine) -> None:
    fake.registry = requests.ReadTimeout("5 s")
    images.ensure(engine)
    assert "import errnolab/base:bookworm with LABEL errnolab=image" in fake.did


def test_with_a_registry_the_base_is_pulled(
    engine: Engine, fake: FakeEngine, ran: list[str]
) -> None:
    fake.registry = None
    images.ensure(engine)
    assert ran == ["/usr/bin/docker pull"]
    assert fake.did[1:] == [
        "build errnolab/base on debian:bookworm-slim",
        "build errnolab/host on errnolab/base:bookworm",
    ]


def test_a_pull_that_fails_half_way_falls_back_to_packages(
    engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.registry = None

    def run(argv: Sequence[str], **_kwargs: Any) -> str:
        if argv[1] == "pull":
            raise CommandFailed("here", argv, 124)
        return ""

    monkeypatch.setattr(shell, "run", run)
    images.ensure(engine)
    assert "import errnolab/base:bookworm with LABEL errnolab=image" in fake.did


def test_a_debian_that_was_pulled_before_needs_no_registry(
    engine: Engine, fake: FakeEngine, ran: list[str]
) -> None:
    fake.tags = {images.PULLED}
    images.ensure(engine)
    assert ran == []
    assert not any(deed.startswith("ask") for deed in fake.did)


def test_a_base_that_is_there_is_kept_when_only_the_host_changed(
    engine: Engine, fake: FakeEngine, ran: list[str]
) -> None:
    fake.tags = {images.BASE}
    images.ensure(engine)
    assert (ran, fake.did) == ([], ["build errnolab/host on errnolab/base:bookworm"])


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "server.py").write_text("two"),
        lambda folder: (folder / "server.py").rename(folder / "client.py"),
        lambda folder: (folder / "server.py").chmod(0o755),
        lambda folder: (folder / "new.py").touch(),
    ],
    ids=["content", "name", "mode", "new"],
)
def test_an_edit_makes_another_tag(sources: Path, edit: Callable[[Path], object]) -> None:
    before = images.host_tag()
    edit(sources)
    assert images.host_tag() != before


def test_compiled_files_and_times_make_no_other_tag(sources: Path) -> None:
    before = images.host_tag()
    (sources / "__pycache__").mkdir()
    (sources / "__pycache__" / "server.pyc").touch()
    (sources / "server.pyc").touch()
    os.utime(sources / "server.py", (0, 0))
    assert images.host_tag() == before


def test_a_build_that_fails_gives_its_last_lines(engine: Engine, fake: FakeEngine) -> None:
    fake.tags = {images.BASE}
    fake.events = [
        *({"stream": f"line {number}\n"} for number in range(50)),
        {"error": "The command returned a non-zero code: 100"},
    ]
    with pytest.raises(ImageError) as raised:
        images.ensure(engine)
    assert "line 49" in str(raised.value)
    assert "line 20" not in str(raised.value)
    assert "non-zero code: 100" in str(raised.value)
    assert "again: make lab-up" in str(raised.value)


@pytest.mark.parametrize(
    "said",
    ["write /layer.tar: no space left on device", "dpkg: error: No space left on device"],
)
def test_a_full_disk_in_a_build_is_called_by_its_name(
    engine: Engine, fake: FakeEngine, said: str
) -> None:
    fake.tags = {images.BASE}
    fake.events = [{"error": said}]
    with pytest.raises(ImageError, match=r"the disk is full(.|\n)*docker system df"):
        images.ensure(engine)


def test_a_full_disk_in_the_bootstrap_is_called_by_its_name(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, "E: tar: base.tar: No space left on device")
    with pytest.raises(ImageError, match="the disk is full"):
        images.ensure(engine)


def test_an_import_that_fails_in_its_body_is_an_error(engine: Engine, fake: FakeEngine) -> None:
    fake.imported = '{"error": "unexpected EOF"}'
    with pytest.raises(ImageError, match="unexpected EOF"):
        images.ensure(engine)


def test_the_bootstrap_installs_its_tool_where_it_may(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr("lab.images.shutil.which", lambda _name: None)
    monkeypatch.setattr(apt, "usable", lambda: True)
    monkeypatch.setattr(apt, "install", lambda *names: installed.extend(names))
    images.ensure(engine)
    assert installed == list(images.TOOLS)


def test_the_bootstrap_says_what_is_missing_where_it_may_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.images.shutil.which", lambda _name: None)
    monkeypatch.setattr(apt, "usable", lambda: False)
    with pytest.raises(ImageError, match=r"mmdebstrap is missing(.|\n)*apt-get install mmdebstrap"):
        images.ensure(engine)


def test_only_old_images_of_ours_are_removed(engine: Engine, fake: FakeEngine) -> None:
    def image(name: str, *tags: str) -> Any:
        return SimpleNamespace(id=name, short_id=name, tags=list(tags))

    fake.listed = [
        image("base", images.BASE),
        image("now", images.host_tag()),
        image("old", "errnolab/host:0123"),
        image("torn"),
        image("used", "errnolab/host:4567"),
    ]
    fake.in_use = {"used"}
    assert images.remove_ours(engine) == ["errnolab/host:0123", "torn"]
    assert fake.did == ["remove old", "remove torn"]


def test_an_image_that_asks_for_packages_of_pypi_is_made_of_a_copy_with_them(
    engine: Engine, fake: FakeEngine, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sources stay as they are: what is fetched is no part of the image's name."""
    (guest := sources.parent / "clients").mkdir()
    (guest / "requirements.txt").write_text("requests==1")
    built: dict[str, list[str]] = {}

    def build(*, path: str, tag: str, **_kwargs: Any) -> list[dict[str, Any]]:
        built[tag.partition(":")[0]] = sorted(found.name for found in Path(path).iterdir())
        return []

    monkeypatch.setattr("lab.pypi.fetch", lambda _file, folder, _on_line: folder.mkdir())
    fake.api.build = build
    images.ensure_guest(engine, "clients")
    assert built["errnolab/clients"] == ["pypi", "requirements.txt"]
    assert [found.name for found in guest.iterdir()] == ["requirements.txt"]


def test_a_file_that_two_images_share_is_a_file_where_each_is_made(
    engine: Engine, fake: FakeEngine, sources: Path
) -> None:
    """The builder sees the folder alone, and a link would lead out of it."""
    (guest := sources.parent / "windows").mkdir()
    (guest / "shared.c").symlink_to("../host/server.py")
    built: dict[str, str] = {}

    def build(*, path: str, tag: str, **_kwargs: Any) -> list[dict[str, Any]]:
        shared = Path(path) / "shared.c"
        if shared.exists():
            assert not shared.is_symlink()
            built[tag.partition(":")[0]] = shared.read_text()
        return []

    fake.api.build = build
    images.ensure_guest(engine, "windows")
    assert built == {"errnolab/windows": "one"}


def test_the_name_of_an_image_tells_what_a_shared_file_holds(sources: Path) -> None:
    (guest := sources.parent / "windows").mkdir()
    (sources.parent / "shared.c").write_text("one")
    (guest / "shared.c").symlink_to("../shared.c")
    before = images.guest_tag("windows")
    (sources.parent / "shared.c").write_text("two")
    assert images.guest_tag("windows") != before


def test_what_an_image_was_compiled_in_is_removed(engine: Engine, fake: FakeEngine) -> None:
    """But for one that another build uses just now."""
    fake.stages = [SimpleNamespace(id="done"), SimpleNamespace(id="in use")]
    fake.in_use = {"in use"}
    images.ensure_guest(engine, "gateway")
    assert fake.did[-1] == "remove done"


def test_an_image_for_a_hosts_network_is_kept_as_a_guests_is(
    engine: Engine, fake: FakeEngine
) -> None:
    for role in images.BESIDE:
        fake.listed.append(SimpleNamespace(id=role, short_id=role, tags=[images.guest_tag(role)]))
    assert images.remove_ours(engine) == []


def test_the_programs_of_the_image_can_be_executed() -> None:
    """The Dockerfile does not set modes: a step of its own costs seconds on each edit."""
    programs = [path for path in SOURCE.iterdir() if path.is_file() and _has_shebang(path)]
    assert programs
    assert [path.name for path in programs if not os.access(path, os.X_OK)] == []


def _has_shebang(path: Path) -> bool:
    return path.read_bytes()[:2] == b"#!"


def test_no_dockerfile_names_a_frontend_or_a_registry() -> None:
    for path in images.IMAGES.glob("*/Dockerfile"):
        for line in path.read_text().splitlines():
            assert not line.lower().startswith("# syntax"), path
            assert "://" not in line, path


def test_a_guest_that_is_for_another_processor_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "is_there", lambda *_: pytest.fail("it was looked for"))
    here = Engine("docker", Mock(), "Docker", "28.0", "arm64")
    with pytest.raises(NotForThisMachine, match="for amd64, and this engine's machine is arm64"):
        images.ensure_guest(here, "windows")
