"""`errnolab explain`: what a message means, what shows it, and the pages made of that."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab import atlas, explain, pages, scenario
from lab.errors import NotUnderstood
from lab.explain import find
from lab.says import MUSL, OWN_CLOCK, SAYS, VERSIONS
from tests.unit.test_cli import main

MADE_UP = '''"""A door is shut.

More on the door.
"""
from lab import Case, Scenario, connect, drop, given, per_family, so_error, syn

SCENARIO = Scenario(
    cause="firewall",
    fault=drop(on="router", to="server"),
    seen=[syn(at="client")],
    source="RFC 9293",
    look="Knock, and see who opens.",
    cases=[
        Case(
            "blocking",
            calls=[
                connect(on="client", to="server").fails(
                    per_family(ipv4="EHOSTUNREACH", ipv6="EACCES")
                ),
            ],
        ),
        Case(
            "3_1",
            family="ipv4",
            given={"errno": "EHOSTUNREACH"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                so_error(on="client").reports(given("errno")),
            ],
        ),
        Case(
            "two_calls",
            calls=[
                connect(on="client", to="server").fails("ETIMEDOUT"),
                connect(on="client", to="server").fails("ETIMEDOUT"),
                connect(on="client", to="server").fails("EWOULDBLOCK"),
            ],
        ),
    ],
)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one scenario, where the commands look for them."""
    (tmp_path / "shut_door.py").write_text(MADE_UP)
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    return tmp_path


def understood(message: str) -> list[str]:
    return [found.name for found in find(message)]


# --- what a message means -----------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("ECONNREFUSED", "ECONNREFUSED"),
        ("econnrefused", "ECONNREFUSED"),
        ("EWOULDBLOCK", "EAGAIN"),
        ("ENOTSUP", "EOPNOTSUPP"),
        ("EAI_NONAME", "EAI_NONAME"),
        ("111", "ECONNREFUSED"),
        ("-111", "ECONNREFUSED"),
        ("(111)", "ECONNREFUSED"),
        ("[Errno 111]", "ECONNREFUSED"),
        ("errno: -111", "ECONNREFUSED"),
        ("os error 111", "ECONNREFUSED"),
        ("No  route\nto host", "EHOSTUNREACH"),
        ("(110: Connection timed out)", "ETIMEDOUT"),
        ("[Errno -2] Name or service not known", "EAI_NONAME"),
        ("curl: (7) Failed to connect to db port 80: Connection refused", "ECONNREFUSED"),
        ("dial tcp 10.0.0.1:80: connect: connection refused", "ECONNREFUSED"),
        ("connect() failed (111: Connection refused) while connecting to", "ECONNREFUSED"),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on 'db' (111)", "ECONNREFUSED"),
        ("java.net.SocketException: Connection reset", "ECONNRESET"),
        ("Operation timed out", "ETIMEDOUT"),
        ("reset by peer", "ECONNRESET"),
        ("i/o timeout", "ETIMEDOUT"),
        ("connexion refused", "ECONNREFUSED"),
        # One of which names an errno by chance: EINPROGRESS, ECONNABORTED.
        ("nc: connect to db port 80 (tcp) timed out: Operation now in progress", "ETIMEDOUT"),
        ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
         "ECONNRESET"),
    ],
)  # fmt: skip
def test_message_names_one_errno(message: str, name: str) -> None:
    assert understood(message) == [name]


@pytest.mark.parametrize(
    ("message", "names"),
    [
        # In the order of the message, each once.
        ("Connection timed out, ETIMEDOUT; Connection refused", ["ETIMEDOUT", "ECONNREFUSED"]),
        ("PermissionError", ["EPERM", "EACCES"]),
        ("-2", ["EAI_NONAME", "ENOENT"]),
        ("ERROR 2002 (HY000): Can't connect to server on 'db' (115)",
         ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]),
        ("curl: (7) Failed to connect to db port 80 after 0 ms: Couldn't connect to server",
         ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES"]),
        ("curl: (7)", ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES"]),
        # As a newer curl writes it.
        ("curl: (7) Failed to connect to db port 80 after 0 ms: Could not connect to server",
         ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES"]),
    ],
)  # fmt: skip
def test_message_that_can_mean_several_names_them_all(message: str, names: list[str]) -> None:
    assert understood(message) == names


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("ETIMEOUT", "did you mean ETIMEDOUT"),
        ("ECONREFUSED", "did you mean ECONNREFUSED"),
        ("conexion rechazada", "did you mean ECONNREFUSED"),
        ("9999", "no errno has the number 9999"),
        ("the cat sat on the mat", "names no errno"),
        ("", "names no errno"),
    ],
)
def test_what_is_not_understood_suggests_the_nearest(message: str, said: str) -> None:
    with pytest.raises(NotUnderstood, match=re.escape(said)):
        find(message)


def test_its_own_clock_is_told_from_the_kernels() -> None:
    (found,) = find("dial tcp db:80: i/o timeout".replace("db:80", "10.0.0.1:80"))
    assert OWN_CLOCK in found.why
    (found,) = find("dial tcp 10.0.0.1:80: connect: connection timed out")
    assert OWN_CLOCK not in found.why


# --- what programs print ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"), [(name, one.text) for name, lines in SAYS.items() for one in lines]
)
def test_each_known_line_is_found_again(name: str, line: str) -> None:
    stand_for = {"HOST": "db.example", "PORT": "5432", "FILE": "a.php", "N": "7", "…": "<object>"}
    line = re.sub(r"\b(HOST|PORT|FILE|N)\b|…", lambda match: stand_for[match[0]], line)
    assert name in understood(f"2026-11-23 app[12]: {line} (attempt)")


@pytest.mark.parametrize(("name", "words"), MUSL.items())
def test_musls_words_are_found(name: str, words: str) -> None:
    assert name in understood(f"wget: {words}")


def test_each_known_line_is_of_a_real_errno_and_a_named_version() -> None:
    assert {*SAYS, *MUSL} <= {*explain.names()}
    assert {one.program for lines in SAYS.values() for one in lines} == {*VERSIONS}


# --- what an errno is ---------------------------------------------------------------


def test_meaning_is_that_of_the_hosts_own_programs() -> None:
    assert explain.meaning("ECONNREFUSED").startswith("Nothing listens on that port, or ")
    assert explain.meaning("ELOOP") == ""
    assert explain.heading("ECONNREFUSED") == "ECONNREFUSED (111) Connection refused"
    assert explain.heading("EAI_NONAME") == "EAI_NONAME (-2) Name or service not known"


# --- which scenario shows it --------------------------------------------------------


def test_causes_are_read_from_the_files(folder: Path) -> None:
    seen = atlas.atlas(atlas.load(folder)[0])
    assert list(seen) == ["EACCES", "EAGAIN", "EHOSTUNREACH", "EINPROGRESS", "ETIMEDOUT"]
    (sight,) = seen["EHOSTUNREACH"]
    assert sight.cases == {"ipv4": ["blocking", "3_1"]}
    assert sight.calls == ["connect", "SO_ERROR"]
    assert sight.where == "IPv4: blocking, ICMP 3/1"
    assert seen["EACCES"][0].where == "IPv6: blocking"
    assert seen["ETIMEDOUT"][0].where == "IPv4, IPv6: two_calls"
    assert list(atlas.by_cause(seen["EACCES"])) == ["a rule that drops or refuses"]


def test_scenario_of_one_case_needs_no_case_to_be_named(folder: Path) -> None:
    seen = atlas.atlas([scenario.load("refused", Path(__file__).parents[2] / "scenarios")])
    assert [sight.where for sight in seen["ECONNREFUSED"]] == ["IPv4, IPv6"]


def test_errnos_of_a_scenario_say_where_the_families_differ(folder: Path) -> None:
    shown = atlas.errnos_shown(scenario.load("shut_door"))
    assert shown == "ETIMEDOUT, EHOSTUNREACH (IPv4), EAGAIN, EACCES (IPv6)"


def test_scenario_of_one_errno_comes_before_those_where_it_is_one_of_many(folder: Path) -> None:
    simple = MADE_UP.replace('per_family(ipv4="EHOSTUNREACH", ipv6="EACCES")', '"ETIMEDOUT"')
    simple = re.sub(
        r"(?s)        Case\(\n            \"3_1\".*\n        \),\n    \],", "    ],", simple
    )
    (folder / "zz_simple.py").write_text(simple)
    seen = atlas.atlas(atlas.load(folder)[0])
    assert [sight.scenario.name for sight in seen["ETIMEDOUT"]] == ["zz_simple", "shut_door"]


# --- the commands -------------------------------------------------------------------


def test_explain_says_what_it_is_what_shows_it_and_how_to_tell(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "No", "route", "to", "host") == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "EHOSTUNREACH (113) No route to host",
        "The network is known but the host cannot be reached",
        "1 scenario shows it",
        "a rule that drops or refuses",
        "make scenario-shut-door connect, SO_ERROR; IPv4: blocking, ICMP 3/1",
        "A door is shut.",
        "To tell it: Knock, and see who opens.",
        "dial tcp HOST:PORT: connect: no route to host",
        "on Windows: WSAEHOSTUNREACH (10065)",
    ):
        assert words in said


def test_errno_that_is_several_codes_on_windows_says_when_each(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "EAGAIN") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "on Windows: WSAEWOULDBLOCK (10035); WSAETIMEDOUT (10060) where a limit of time ran out "
    ) in said


def test_code_of_windows_shows_the_causes_of_linux_errno(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "[WinError", "10065]") == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "WSAEHOSTUNREACH (10065) A socket operation was attempted to an unreachable host. ",
        "The network is known but the host cannot be reached",
        "on Linux: EHOSTUNREACH (113) No route to host",
        "Found by: the number 10065; 1 scenario shows EHOSTUNREACH.",
        "`errnolab run NAME --from windows` shows the code itself",
        "make scenario-shut-door connect, SO_ERROR; IPv4: blocking, ICMP 3/1",
    ):
        assert words in said
    assert "what programs print" not in said


def test_code_that_linux_has_no_errno_for_is_explained_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "10093") == 0
    said = capsys.readouterr().out
    assert "The program has not called WSAStartup" in said
    assert "on Linux: no errno says it" in said
    assert "no scenario of the lab shows it" in said
    assert "--from windows" not in said


def test_code_of_windows_as_json(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "--json", "10065") == 0
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert (found["errno_name"], found["errno"]) == ("WSAEHOSTUNREACH", 10065)
    assert found["linux"] == "EHOSTUNREACH"
    assert found["windows"] == [{"name": "WSAEHOSTUNREACH", "number": 10065, "when": ""}]
    assert [cause["scenario"] for cause in found["causes"]] == ["shut_door"]
    assert found["programs"] == []


def test_errno_that_nothing_shows_is_explained_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "econnreset") == 0
    said = capsys.readouterr().out
    assert "sent a reset" in said
    assert "no scenario of the lab shows it" in said


def test_several_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "PermissionError") == 0
    said = capsys.readouterr().out
    assert "any of these" in said
    assert "\nEPERM (1) " in said
    assert "\nEACCES (13) " in said
    assert "Knock" not in said


def test_explain_as_one_json_document(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "explain", "--json", "13") == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["found"]
    assert (found["errno_name"], found["errno"]) == ("EACCES", 13)
    (cause,) = found["causes"]
    assert (cause["scenario"], cause["cases"]) == ("shut_door", {"ipv6": ["blocking"]})
    assert found["programs"]
    assert found["linux"] == "EACCES"
    assert [code["name"] for code in found["windows"]] == ["WSAEACCES"]


@pytest.mark.parametrize("argv", [("ETIMEOUT",), ("--json", "ETIMEOUT")])
def test_not_understood_ends_with_2(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
) -> None:
    assert main(monkeypatch, "explain", *argv) == 2
    printed = capsys.readouterr()
    assert "did you mean ETIMEDOUT" in printed.err
    assert printed.out == "" or json.loads(printed.out)["found"] == []


@pytest.mark.parametrize("argv", [(), ("EACCES", "--write", "x")])
def test_explain_wants_a_message_or_a_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]
) -> None:
    assert main(monkeypatch, "explain", *argv) == 2
    assert "or --write alone" in capsys.readouterr().err


def test_scenario_that_cannot_be_run_is_left_out_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.py").write_text(MADE_UP.replace('"RFC 9293"', '""'))
    assert main(monkeypatch, "explain", "EACCES") == 0
    printed = capsys.readouterr()
    assert "1 scenario shows it" in printed.out
    assert "wrong is left out, for it cannot be run: no source" in printed.err


def test_list_groups_by_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = MADE_UP.replace("SCENARIO = Scenario(", "SCENARIO = Scenario(\n    slow=True,")
    (folder / "slow_door.py").write_text(slow.replace('cause="firewall"', 'cause="service"'))
    assert main(monkeypatch, "list") == 0
    said = capsys.readouterr().out
    assert said.index("the service or its host's settings") < said.index("a rule that drops")
    assert "  slow_door (slow)  ETIMEDOUT, EHOSTUNREACH (IPv4)" in said
    assert "\n      A door is shut.\n" in said


def test_list_groups_by_errno_and_leaves_out_what_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "list", "--errno") == 0
    said = capsys.readouterr().out
    assert "\nEACCES (13) Permission denied\n  shut_door  IPv6: blocking\n" in said
    assert "EINPROGRESS" not in said
    assert "WSA" not in said


# --- the pages ----------------------------------------------------------------------


def test_pages_are_current() -> None:
    made = pages.pages(atlas.atlas(atlas.load()[0]))
    stale = pages.differences(pages.FOLDER, made)
    assert stale == [], "docs/errors/ is not what scenarios/ say now: run `make docs`"


def test_pages_are_written_and_those_of_errnos_no_longer_shown_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = folder / "docs"
    assert main(monkeypatch, "explain", "--write", str(into)) == 0
    assert {path.name for path in into.iterdir()} == {
        "EACCES.md", "EAGAIN.md", "EHOSTUNREACH.md", "EINPROGRESS.md", "ETIMEDOUT.md", "README.md",
    }  # fmt: skip
    index = (into / "README.md").read_text()
    assert "| [EACCES](EACCES.md) | 13 | Permission denied | 1 |" in index
    (into / "EHOSTDOWN.md").write_text(pages.MADE)
    (into / "notes.md").write_text("Somebody wrote this.\n")
    (into / "EACCES.md").write_text("changed")
    made = pages.pages(atlas.atlas(atlas.load()[0]))
    assert pages.differences(into, made) == ["EACCES.md", "EHOSTDOWN.md"]
    assert pages.write(into, made) == ["EACCES.md", "EHOSTDOWN.md"]
    assert pages.differences(into, made) == []
    assert (into / "notes.md").exists()


def test_page_says_what_explain_says(folder: Path) -> None:
    page = pages.pages(atlas.atlas(atlas.load()[0]))["EHOSTUNREACH.md"]
    for words in (
        "# EHOSTUNREACH\n",
        "Errno 113: “No route to host”. The network is known",
        "\nOn Windows: WSAEHOSTUNREACH (10065): “A socket operation was attempted to an ",
        "## A rule that drops or refuses\n",
        "[`shut_door`](../../scenarios/shut_door.py): A door is shut.",
        "| connect, SO_ERROR; IPv4: blocking, ICMP 3/1 | Knock, and see who opens. |",
        "| Go 1.19.8 | `dial tcp HOST:PORT: connect: no route to host` |",
    ):
        assert words in page
