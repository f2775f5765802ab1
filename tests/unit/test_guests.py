"""Which hosts a case needs that not every lab has."""

from __future__ import annotations

import pytest

from lab import images
from lab.calls import connect
from lab.compose import FILE
from lab.faults import stop
from lab.scenario import Case
from lab.topology import GUESTS
from lab.wire import syn


def test_a_case_needs_the_guests_that_its_words_name() -> None:
    assert Case(calls=[connect(on="client", to="gateway")]).guests == ["gateway"]
    assert Case(calls=[connect(on="workshop", to="server")]).guests == ["workshop"]


def test_a_case_that_looks_at_a_guest_needs_it() -> None:
    """Where nobody captures, nothing is seen."""
    call = connect(on="client", to="server")
    assert Case(calls=[call], absent=[syn(at="browser")]).guests == ["browser"]


def test_a_case_between_core_hosts_needs_none() -> None:
    assert Case(fault=stop(), calls=[connect(on="client", to="server")]).guests == []


@pytest.mark.parametrize("role", GUESTS)
def test_a_guest_has_a_profile_an_image_and_files_to_make_it_from(role: str) -> None:
    text = FILE.read_text()
    assert f"profiles: [{role}]" in text
    assert f"errnolab.role: {role}}}" in text
    assert (images.IMAGES / role / "Dockerfile").is_file()
    assert images.guest_tag(role).startswith(f"errnolab/{role}:")


def test_a_guests_image_changes_with_the_host_image(monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.guest_tag("workshop")
    monkeypatch.setattr("lab.images.host_tag", lambda: "errnolab/host:another")
    assert images.guest_tag("workshop") != before
