"""What is kept of a client's run, and what the page makes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lab import clients, clients_page, images, pypi, rows, shell
from lab.clients_list import CLIENTS, COLUMNS, HEALTH, Client, Column
from lab.clients_page import Document
from lab.errors import LabError
from lab.topology import FAMILIES

PROGRAMS = images.IMAGES / "clients" / "programs"
CURL, SSH, DIG = (
    next(one for one in CLIENTS if one.name == name) for name in ("curl", "ssh", "dig")
)


def run(**differs: Any) -> Document:
    """What is kept of a run that was refused, but for what differs."""
    return {
        "status": 7, "signal": "", "late": False, "ms": 1.0, "ran_ms": 9.0, "attempts": 1,
        "packets": 1, "tried": [attempt("ipv4", "server", 0.0)],
        "errnos": [["getsockopt", "ECONNREFUSED", 1]], "said": "no luck", "untraced": "",
        "unmet": False, "invalid": "", **differs,
    }  # fmt: skip


def attempt(family: str, to: str, t_ms: float) -> Document:
    return {"family": family, "to": to, "t_ms": t_ms, "ended": "refused"}


def document(**runs: Document) -> Document:
    """What was measured of curl alone: a run under each scenario, or one for each family."""
    families = {
        name.replace("__", "."): one if "ipv4" in one else {"ipv4": one, "ipv6": one}
        for name, one in runs.items()
    }
    curl = {"version": "7.88.1", "measured": "2026-11-28", "patience_s": {}, "runs": families}
    return {"schema": 1, "kernel": "6.18", "engine": "Docker", "clients": {"curl": curl}}


def line(page: str, title: str, name: str = "curl") -> str:
    """The line of a client in the table under a title."""
    part = page.partition(f"# {title}\n")[2].partition("\n#")[0]
    (found,) = [text for text in part.splitlines() if text.startswith(f"| {name}")]
    return found


# --- What is in the image ---------------------------------------------------------------


def test_each_program_of_the_image_is_a_clients() -> None:
    """A class of Java is in a file of its name, and a compiled program has its source's."""
    said = " ".join(one.command for one in CLIENTS)
    strays = [path.name for path in PROGRAMS.iterdir() if path.is_file()
              and not re.search(rf"\b{path.stem}\b", said)]  # fmt: skip
    assert strays == ["told.mjs"]


def test_each_clients_program_is_in_the_image() -> None:
    stems = {path.stem for path in PROGRAMS.iterdir()}
    named = {Path(word).stem for one in CLIENTS for word in one.argv if "/opt/clients/" in word}
    named |= {one.argv[-1] for one in CLIENTS if one.argv[0] == "java"}
    assert named <= stems
    assert len(named) > 20


def test_no_two_clients_have_one_name() -> None:
    assert len({one.name for one in CLIENTS}) == len(CLIENTS)


def test_each_client_is_told_where_to_go() -> None:
    """In its words, or its program reads it from the environment."""
    told = re.compile(r"\b(URL|SERVER)\b")
    sources = {path.stem: path.read_text() for path in PROGRAMS.iterdir()}
    lost = [one.name for one in CLIENTS
            if not told.search(one.command + sources.get(Path(one.argv[-1]).stem, ""))]  # fmt: skip
    assert lost == []


# --- What is kept -----------------------------------------------------------------------


def result(**differs: Any) -> Document:
    program = {
        "status": 7, "signal": "", "timed_out": False, "elapsed_ms": 9.04,
        "first_packet_to_end_ms": 1.26, "attempts": 1, "packets": 1, "last_line": "no luck",
        "stderr": "\nwhy it failed\nno luck\n", "untraced": "",
        "tried": [{**attempt("ipv4", "server", 0.0), "packets": 1}],
        "errnos": [{"call": "connect", "errno_name": "EINPROGRESS", "times": 1},
                   {"call": "getsockopt", "errno_name": "ECONNREFUSED", "times": 1}], **differs,
    }  # fmt: skip
    return {"scenario": "refused", "family": "ipv4", "verdict": "pass", "reason": "",
            "program": program}  # fmt: skip


def test_a_reading_is_from_the_first_packet_on() -> None:
    assert clients.reading(result())["ms"] == 1.3
    assert clients.reading(result(first_packet_to_end_ms=None))["ms"] == 9.0


def test_what_is_kept_of_what_it_says_is_the_last_line_or_the_first() -> None:
    assert clients.reading(result())["said"] == "no luck"
    assert clients.reading(result(), at_first=True)["said"] == "why it failed"
    assert clients.reading(result(stderr=""), at_first=True)["said"] == "no luck"


def test_a_row_that_was_not_even_run_is_an_error() -> None:
    with pytest.raises(LabError, match=r"refused \(ipv4\): no lab"):
        clients.reading({**result(), "program": {}, "verdict": "invalid", "reason": "no lab"})


def test_an_attempt_that_is_under_way_is_no_failure() -> None:
    assert clients.reading(result())["errnos"] == [["getsockopt", "ECONNREFUSED", 1]]


def test_a_row_that_proves_nothing_keeps_its_reason() -> None:
    assert clients.reading({**result(), "verdict": "invalid", "reason": "no"})["invalid"] == "no"
    assert clients.reading({**result(), "reason": "no"})["invalid"] == ""


def test_who_never_met_the_fault_is_told_from_a_row_that_went_wrong() -> None:
    unmet = clients.reading({**result(), "verdict": "invalid", "reason": "it was never hit, so"})
    assert (unmet["unmet"], unmet["invalid"]) == (True, "")
    assert not clients.reading(result())["unmet"]


def test_what_is_measured_again_takes_the_place_of_what_was_known() -> None:
    known = document(refused=run(), reset=run())["clients"]
    again = {**known["curl"], "runs": {"refused": {"ipv4": run(status=1)}}}
    found = clients.merged(known, "curl", again)["curl"]["runs"]
    assert found["refused"] == {"ipv4": run(status=1)}
    assert found["reset"] == known["curl"]["runs"]["reset"]


def test_of_another_version_nothing_is_kept() -> None:
    known = document(refused=run(), reset=run())["clients"]
    new = {**known["curl"], "version": "8.0.0", "runs": {"refused": {"ipv4": run()}}}
    assert clients.merged(known, "curl", new)["curl"] == new


def test_clients_are_kept_in_their_order() -> None:
    known = document(refused=run())["clients"]
    assert [*clients.merged({"ssh": known["curl"]}, "curl", known["curl"])] == ["curl", "ssh"]


def test_the_json_has_a_line_for_each_run() -> None:
    whole = document(refused=run(), reset=run())
    text = clients.written(whole)
    assert json.loads(text) == whole
    assert sum('"status"' in one for one in text.splitlines()) == 4
    assert all(one.count('"status"') <= 1 for one in text.splitlines())


# --- How a client is tried --------------------------------------------------------------


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; each `try` is answered with a row for each of its scenarios."""
    ran: list[list[str]] = []

    def answer(argv: list[str], **_how: Any) -> str:
        ran.append(argv)
        if "try" in argv:
            names = [HEALTH, *(w.split("=")[1] for w in argv if w.startswith("--scenario="))]
            rows = [{**result(status=7 * (name != HEALTH)), "scenario": name} for name in names]
            Path(argv[argv.index("--json") + 1]).write_text(json.dumps({"results": rows}))
        return "curl 7.88.1 (x86_64)"

    monkeypatch.setattr(shell, "run", answer)
    return ran


def measured(client: Client, *columns: Column) -> Document:
    here: Any = type("Here", (), {"cli": "docker"})
    tags = {"clients": "errnolab/clients:1", "services": "errnolab/services:1"}
    ((_client, found),) = clients.measure(here, tags, [client], columns, ["mine"])
    if not isinstance(found, dict):
        raise found
    return found


def test_a_client_is_tried_once_for_each_patience(tried: list[list[str]]) -> None:
    found = measured(CURL, Column("refused", "", 20), Column("timeout", "", 150),
                     Column("reset", "", 20))  # fmt: skip
    commands = [argv for argv in tried if "try" in argv]
    assert [argv[argv.index("--timeout") + 1] for argv in commands] == ["20", "150"]
    assert {argv[argv.index("--lab") + 1] for argv in commands} == {"mine"}
    assert {*found["runs"]} == {HEALTH, "refused", "reset", "timeout"}
    assert found["version"] == "7.88.1"
    assert commands[0][-3:] == ["curl", "-sS", "{URL}"]


def test_what_a_client_cannot_meet_is_left_out(
    tried: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip = {"scenario": "reset", "family": "ipv4", "verdict": "skip", "reason": "it is TCP's"}
    made = clients._try
    monkeypatch.setattr(clients, "_try", lambda *asked: [*made(*asked), skip])
    assert {*measured(DIG, Column("refused", "", 20))["runs"]} == {HEALTH, "refused"}
    assert "--udp" in tried[0]


def test_who_waits_for_a_client_is_told_of_any_trouble(
    tried: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_today", lambda: 1 / 0)
    monkeypatch.setattr("threading.excepthook", lambda _thrown: None)
    with pytest.raises(LabError, match="ZeroDivisionError"):
        measured(CURL, Column("refused", "", 20))


def test_a_row_that_has_the_name_of_another_case_is_the_columns() -> None:
    assert Column("heals.refused_new_sockets", "", 20).is_of("heals.refused_same_socket")
    assert not Column("reset", "", 20).is_of("reset_once")


def test_a_client_of_another_service_is_tried_with_its_image(tried: list[list[str]]) -> None:
    measured(SSH, Column("refused", "", 20))
    assert {"--server-image=errnolab/services:1", "--port=2222"} <= {*tried[0]}


def test_a_client_that_is_not_well_in_health_is_not_kept(
    tried: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "reading", lambda _result, _at_first: run(status=2))
    with pytest.raises(LabError, match="curl is not well in health over ipv4: no luck"):
        measured(CURL, Column("refused", "", 20))


# --- The page ---------------------------------------------------------------------------


def test_the_page_is_what_was_measured() -> None:
    made = clients_page.page(clients_page.load())
    assert clients_page.PAGE.read_text(encoding="utf-8") == made, "run `make docs`"


def test_the_json_is_as_it_is_written() -> None:
    text = clients_page.DOCUMENT.read_text(encoding="utf-8")
    assert clients.written(clients_page.load()) == text


def test_what_waits_longer_than_we_did_is_told_with_our_patience() -> None:
    page = clients_page.page(document(timeout=run(late=True, ms=150_000.0)))
    assert "| over 150 s |" in line(page, "Who gives up when")


def test_who_gave_up_is_told_by_the_errno_and_not_by_the_time() -> None:
    """Psycopg's own limit is as long as the kernel's."""
    kernel = run(ms=131e3, errnos=[["connect", "ETIMEDOUT", 1]])
    assert "**1 of 1** leave it to the kernel" in clients_page.page(document(timeout=kernel))
    own = clients_page.page(document(timeout=run(ms=131e3, errnos=[])))
    assert "**1 of 1** limit that time themselves: curl (131 s)" in own


def test_the_families_are_told_apart_where_they_differ() -> None:
    both = {"ipv4": run(ms=60_000.0), "ipv6": run(ms=131_000.0)}
    assert "| 60 s / 131 s |" in line(
        clients_page.page(document(timeout=both)), "Who gives up when"
    )
    assert "| 60 s |" in line(
        clients_page.page(document(timeout=run(ms=60_000.0))), "Who gives up when"
    )


def test_a_failure_that_a_client_does_not_notice_is_told() -> None:
    page = clients_page.page(document(service_closes__after_request=run(status=0, said="")))
    assert "| no error |" in line(page, "Who gives up when")
    assert "**1 of 1** end with status 0" in page


def test_a_failure_that_was_not_measured_is_left_open() -> None:
    """And so is one whose run proves nothing."""
    cells = line(clients_page.page(document(reset=run(invalid="not hit"))), "Who gives up when")
    assert set(cells.replace(" ", "").split("|")[2:-1]) == {"-"}


def test_who_falls_back_is_told_with_the_time_it_took() -> None:
    tried = [attempt("ipv6", "server", 10.0), attempt("ipv4", "server", 262.4)]
    black = run(status=0, ms=260.0, tried=tried)
    page = clients_page.page(document(ipv6_black_hole=black))
    title = "Who falls back from IPv6 to IPv4"
    assert line(page, title) == "| curl | after 252 ms | IPv6, IPv4 | well, at once |"
    never = clients_page.page(document(ipv6_black_hole=run(tried=tried[:1], late=True)))
    assert line(never, title) == "| curl | never | IPv6 | still waiting after 150 s |"


def test_who_takes_ipv4_at_first_does_not_meet_the_black_hole() -> None:
    page = clients_page.page(document(ipv6_black_hole=run(status=0, unmet=True)))
    assert "| first | IPv4 |" in line(page, "Who falls back from IPv6 to IPv4")
    unmet = clients_page.page(document(reset=run(unmet=True)))
    assert "at once" not in line(unmet, "Who gives up when")


def test_who_tries_the_next_address_is_told() -> None:
    tried = [attempt("ipv4", "absent", 0.0), attempt("ipv4", "server", 3071.0)]
    page = clients_page.page(document(first_address_dead={"ipv4": run(status=0, tried=tried)}))
    assert "| IPv4 | after 3.1 s | well, at once |" in line(page, "Who tries the next address")


def test_what_a_client_says_is_shown_without_the_labs_own_names() -> None:
    said = "dial tcp [2001:db8:2:2::10]:80: 198.18.0.30:43210->server4:80: a|b"
    page = clients_page.page(document(refused=run(said=said)))
    assert "`dial tcp [ADDRESS]:80: ADDRESS:N->HOST:80: a\\|b`" in line(page, "Refused")


def test_what_was_not_traced_has_no_errno() -> None:
    page = clients_page.page(document(refused=run(untraced="no ptrace", errnos=[])))
    assert "| not traced |" in line(page, "Refused")


def test_each_failure_of_the_page_is_a_row_of_a_try() -> None:
    met = rows.load([one.scenario for one in COLUMNS], "clients", FAMILIES)
    assert [one for one in COLUMNS if not any(one.is_of(row.name) for row in met)] == []
    assert [row for row in met if sum(one.is_of(row.name) for one in COLUMNS) != 1] == []


def test_each_failure_of_the_page_has_a_table() -> None:
    assert {one.table for one in COLUMNS} == {"failure", "fallback", "next", "retry"}


# --- PyPI -------------------------------------------------------------------------------


@pytest.mark.parametrize("uv", [True, False])
def test_packages_are_fetched_for_the_python_of_the_image(
    monkeypatch: pytest.MonkeyPatch, uv: bool
) -> None:
    """Whatever Python this machine has: with uv, whose environments have no pip, or with pip."""
    ran: list[str] = []
    monkeypatch.setattr(shell, "run", lambda argv, **_how: ran.extend(argv))
    monkeypatch.setattr("lab.pypi.shutil.which", lambda _name: "/usr/bin/uv" if uv else None)
    pypi.fetch(Path("requirements.txt"), Path("pypi"))
    assert ran[ran.index("--python-version") + 1] == "3.11"
    assert "--require-hashes" in ran
    assert (ran[0] == "/usr/bin/uv") == uv
    assert any(word.startswith("manylinux_2_28_") or "-manylinux_2_28" in word for word in ran)
