"""What the command `errnolab try` does: options and file to a trial, its results to files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from lab import callers, console, evidence, expecting, rows, try_table
from lab import lab as labs
from lab.errors import LabError
from lab.expecting import Expectation
from lab.program import Program
from lab.result import Result, exit_status, overall
from lab.rows import Row
from lab.topology import FAMILIES, Family
from lab.trying import OwnService, Trial

PATIENCE_S = 10.0
FAMILY_OF: Mapping[str, tuple[Family, ...]] = {
    "4": ("ipv4",), "6": ("ipv6",), "both": FAMILIES,
}  # fmt: skip


def command(
    lab_name: str, *, expect: Path | None, record: bool, as_json: Path | None,
    junit: Path | None, markdown: Path | None, every: bool, **options: Any,
) -> int:  # fmt: skip
    """Try a program, print the table, write what is asked for; return the exit status."""
    if every and options["scenarios"]:
        raise click.UsageError("--all is every scenario: leave --scenario out")
    file = expect or Path(expecting.FILE)
    expected = expecting.load(file) if file.exists() else Expectation()
    if expect and not expect.exists() and not record:
        raise LabError(f"{expect}: there is no such file; --record writes it")
    chosen = _merged(options, expected.run)
    trial = _trial(chosen, Expectation() if record else expected, every)
    total = len(trial.families) + len(trial.wanted)
    done: list[Result] = []

    def report(result: Result) -> None:
        done.append(result)
        count = f"[{len(done)}/{total}] " if console.err.is_terminal else ""
        console.err.print(count, try_table.headline(result), sep="")

    results = trial.run(lab_name, chosen.get("jobs") or 1, report)
    if any(result.verdict == "invalid" for result in results):
        # What is not as it was is put right before anybody looks.
        with labs.hold(lab_name):
            pass
    judged = trial.expected.declares(results)
    if not options.get("scenarios"):
        for name in trial.expected.untried(results):
            console.say(f"{file}: [expect.{name}] was not looked at: no row of that name was tried")
    if record:
        expecting.record(file, _run_document(chosen), results)
        console.say(f"{file}: written; what is declared there is checked from now on")
    if as_json:
        _write_json(as_json, trial.program, results)
    if junit:
        evidence.write_junit(junit, results, kind="try")
    if markdown:
        title = f"errnolab try: `{shlex.join(trial.program.argv) or trial.program.image}`"
        markdown.parent.mkdir(parents=True, exist_ok=True)
        with markdown.open("a", encoding="utf-8") as page:
            page.write(try_table.markdown(results, judged, title))
    if str(as_json) != "-":
        try_table.show(results, judged)
    return exit_status(results)


def _merged(options: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the command line says, over what the file says of how it is run."""
    said = {key: value for key, value in options.items() if value not in (None, (), False)}
    names = {"from": "host"}
    return {**{names.get(key, key): value for key, value in run.items()}, **said}


def _trial(chosen: Mapping[str, Any], expected: Expectation, every: bool) -> Trial:
    if not (chosen.get("command") or chosen.get("image")):
        raise click.UsageError("give a command: errnolab try -- curl -sS {URL}")
    host = chosen.get("host", "client")
    families = FAMILY_OF[chosen.get("family", "both")]
    command, caller = tuple(chosen.get("command", ())), callers.of(host)
    brought = caller.brings(command)
    if brought:
        # There it has this path alone, whatever led to it here: a folder, a link, its name.
        command = (str(Path(command[0]).resolve()), *command[1:])
    mounts = [*map(Path, chosen.get("mounts", ())), *brought]
    if caller.starter and chosen.get("image"):
        raise click.UsageError(f"--image is of Linux; on {host} give the program: -- program.exe")
    program = Program(
        command, host, chosen.get("image", ""), tuple(path.resolve() for path in mounts),
        dict(_variable(text) for text in chosen.get("env", ())),
        str(chosen.get("stdin", "")).encode(), float(chosen.get("timeout_s", PATIENCE_S)),
        not (chosen.get("no_trace") or caller.untraced), caller.starter,
    )  # fmt: skip
    return Trial(
        program, _rows(chosen, every, host, families), families, expected, _own_service(chosen)
    )


def _own_service(chosen: Mapping[str, Any]) -> OwnService | None:
    """Return the service that takes the server's place, None if the lab's own are meant."""
    image, command = chosen.get("server_image", ""), chosen.get("server_command", "")
    if image or command:
        proto = "udp" if chosen.get("udp") else "tcp"
        return OwnService(image, tuple(shlex.split(command)), chosen.get("port"), proto)
    for word in ("port", "udp"):
        if chosen.get(word):
            raise click.UsageError(f"--{word} is of a service of your own: --server-image, …")
    return None


def _rows(
    chosen: Mapping[str, Any], every: bool, host: str, families: Sequence[Family]
) -> list[Row]:
    named = chosen.get("scenarios", ())
    if every:
        return rows.load_all(host, families)
    if named:
        return rows.load([name for name in named if name != rows.HEALTH], host, families)
    return rows.load_usual(host, families)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"--env {text}: write NAME=VALUE")
    return name, value


def _run_document(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return how it was run, as [try] of the file has it."""
    found = {"from" if key == "host" else key: value for key, value in chosen.items()}
    plain = {key: [str(item) for item in value] if isinstance(value, (list, tuple)) else value
             for key, value in found.items()}  # fmt: skip
    return {key: value for key, value in plain.items() if key in expecting.RUN}


def _write_json(path: Path, program: Program, results: Sequence[Result]) -> None:
    document = {
        "schema": 1, "command": list(program.argv), "host": program.host, "image": program.image,
        "verdict": overall(list(results)), "results": [r.document() for r in results],
    }  # fmt: skip
    text = json.dumps(document, indent=1, ensure_ascii=not console.takes_utf8())
    if str(path) == "-":
        click.echo(text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
