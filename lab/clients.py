"""Measure what real clients do, and write docs/clients.json and docs/clients.md: `make clients`.

Each client is run by `errnolab try` in health and under each failure, in both families,
several on labs side by side, since nearly all of the time is waiting. One that is measured
again takes the place of what was known of it; the others stay.
"""

from __future__ import annotations

import json
import platform
import queue
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from lab import clients_page, images, shell
from lab import engine as engines
from lab import lab as labs
from lab.clients_list import CLIENTS, COLUMNS, HEALTH, Client, Column
from lab.clients_page import DOCUMENT, Document
from lab.console import say
from lab.engine import Engine
from lab.errors import CommandFailed, LabError
from lab.session import sibling_names

SCHEMA = 1
GUEST, SERVICES = "clients", "services"
VERSION = re.compile(r"\d+(\.\d+)+[\w.+~-]*")
# What a client does to find out that an attempt is under way is no failure.
UNDER_WAY = ("EINPROGRESS", "EAGAIN", "EALREADY", "EISCONN")
# Told of one attempt by the JSON of a try.
ATTEMPT = ("family", "to", "t_ms", "ended")


@click.command()
@click.option("--only", multiple=True, type=click.Choice([one.name for one in CLIENTS]),
              help="Measure this client; may be given again.")  # fmt: skip
@click.option("--scenario", "scenarios", multiple=True,
              type=click.Choice([one.scenario for one in COLUMNS]),
              help="Measure under this failure; may be given again.")  # fmt: skip
@click.option("--jobs", default=4, type=click.IntRange(1, 32), help="Labs side by side.")
@click.option("--lab", "lab_name", default="clients", help="The first lab; others are NAME-2, …")
def main(only: Sequence[str], scenarios: Sequence[str], jobs: int, lab_name: str) -> None:
    """Measure real clients and write docs/clients.json and docs/clients.md."""
    chosen = [one for one in CLIENTS if not only or one.name in only]
    columns = [one for one in COLUMNS if not scenarios or one.scenario in scenarios]
    here = engines.ensure()
    with labs.allocation_lock():
        tags = {role: images.ensure_guest(here, role) for role in (GUEST, SERVICES)}
    names = sibling_names(lab_name, min(jobs, len(chosen)))
    failed = False
    for client, measured in measure(here, tags, chosen, columns, names):
        failed = failed or isinstance(measured, LabError)
        if isinstance(measured, LabError):
            say(f"{client.name}: {measured}")
        else:
            keep(client, measured, here)
            say(f"{client.name}: measured")
    sys.exit(1 if failed else 0)


def measure(
    here: Engine, tags: Mapping[str, str], chosen: Sequence[Client], columns: Sequence[Column],
    names: Sequence[str],
) -> Iterator[tuple[Client, Document | LabError]]:  # fmt: skip
    """Yield each client with what was measured of it, as it comes, or with why it was not."""
    waiting: queue.SimpleQueue[Client] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Client, Document | LabError]] = queue.SimpleQueue()
    for client in chosen:
        waiting.put(client)

    def work(name: str) -> None:
        while True:
            try:
                client = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((client, _measured(here, tags, client, columns, name)))
            except LabError as why:
                done.put((client, why))
            except Exception as why:
                # Whoever waits for it would wait for ever.
                done.put((client, LabError(f"{type(why).__name__}: {why}")))
                raise

    for name in names:
        # Daemons: an interrupt ends this process, and each try cleans up after itself.
        threading.Thread(target=work, args=[name], daemon=True).start()
    for _ in chosen:
        yield done.get()


def _measured(
    here: Engine, tags: Mapping[str, str], client: Client, columns: Sequence[Column], name: str
) -> Document:
    """Return what the JSON has of one client, of the columns that were measured.

    Raises: LabError if a try could not be made, or if the client is not well in health.
    """
    runs: dict[str, dict[str, Document]] = {}
    by_patience = sorted(columns, key=lambda column: column.patience_s)
    for patience_s, group in groupby(by_patience, key=lambda column: column.patience_s):
        for result in _try(tags[SERVICES], client, list(group), patience_s, name):
            if result["verdict"] == "skip":
                continue  # a datagram is not reset
            (of,) = {one.scenario for one in columns if one.is_of(result["scenario"])} or {HEALTH}
            runs.setdefault(of, {})[result["family"]] = reading(result, client.at_first)
    sick = [family for family, run in runs[HEALTH].items() if run["status"] != 0]
    if sick:
        said = runs[HEALTH][sick[0]]["said"]
        raise LabError(f"{client.name} is not well in health over {sick[0]}: {said}")
    return {
        "version": _version(here, tags[GUEST], client), "measured": _today(),
        "patience_s": {one.scenario: one.patience_s for one in columns}, "runs": runs,
    }  # fmt: skip


def _try(
    services: str, client: Client, columns: Sequence[Column], patience_s: float, name: str
) -> list[Document]:
    """Return the results of one `errnolab try`, as in its JSON."""
    options = [f"--scenario={column.scenario}" for column in columns]
    if client.stdin:
        options.append(f"--stdin={client.stdin}")
    if not client.service.ours:
        options += [f"--server-image={services}", f"--port={client.service.port}"]
        options += ["--udp"] if client.service.udp else []
    with tempfile.TemporaryDirectory(prefix="errnolab-") as folder:
        file = Path(folder) / "try.json"
        argv = [
            sys.executable, "-m", "lab", "try", "--lab", name, "--from", GUEST,
            "--timeout", str(patience_s), "--json", str(file), *options, "--", *client.argv,
        ]  # fmt: skip
        try:
            shell.run(argv)
        except CommandFailed:
            # A row that is invalid is told by the JSON, if it came to that.
            if not file.is_file():
                raise
        return list(json.loads(file.read_text(encoding="utf-8"))["results"])


def reading(result: Mapping[str, Any], at_first: bool = False) -> Document:
    """Return what is kept of one row of a try: what its program did.

    Raises: LabError if it was not even started.

    `ms` is from its first packet to its end, or from its start if it sent none. `errnos`
    are those that its calls got, each [call, errno, how often]; `untraced` is why they were
    not seen, or "". `invalid` is why the row proves nothing; one whose program went another
    way, and never met the fault, is `unmet` instead.
    """
    did, reason = result.get("program"), result["reason"]
    if not did:
        raise LabError(f"{result['scenario']} ({result['family']}): {reason}")
    first = next((line.strip() for line in did["stderr"].splitlines() if line.strip()), "")
    unmet = result["verdict"] == "invalid" and "was never hit" in reason
    first_ms = did["first_packet_to_end_ms"]
    return {
        "status": did["status"], "signal": did["signal"], "late": did["timed_out"],
        "ms": round(did["elapsed_ms"] if first_ms is None else first_ms, 1),
        "ran_ms": round(did["elapsed_ms"], 1), "attempts": did["attempts"],
        "packets": did["packets"],
        "tried": [{key: one[key] for key in ATTEMPT if key in one} for one in did["tried"]],
        "errnos": [[one["call"], one["errno_name"], one["times"]] for one in did["errnos"]
                   if one["errno_name"] not in UNDER_WAY],
        "said": first if at_first and first else did["last_line"], "untraced": did["untraced"],
        "unmet": unmet,
        "invalid": reason if result["verdict"] == "invalid" and not unmet else "",
    }  # fmt: skip


def _version(here: Engine, tag: str, client: Client) -> str:
    """Return the version that a client says it is of."""
    said = shell.run([here.cli, "run", "--rm", "--network=none", "--entrypoint=sh", tag, "-c",
                      f"{client.version} 2>&1"])  # fmt: skip
    found = VERSION.search(said)
    if not found:
        raise LabError(f"{client.name}: no version in {said!r}")
    return found[0]


def _today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def keep(client: Client, measured: Document, here: Engine) -> None:
    """Put what was measured of a client into the JSON, and write the page anew."""
    new: Document = {"schema": SCHEMA, "clients": {}}
    document = clients_page.load() if DOCUMENT.is_file() else new
    document["kernel"], document["engine"] = platform.release(), f"{here.name} {here.version}"
    document["clients"] = merged(document["clients"], client.name, measured)
    DOCUMENT.write_text(written(document), encoding="utf-8")
    clients_page.write()


def merged(known: Mapping[str, Document], name: str, new: Document) -> dict[str, Document]:
    """Return what is known of all clients, in their order, with what is new of one.

    What was measured of it before under other failures stays, if it is of the same version.
    """
    old = known.get(name, {})
    if old.get("version") == new["version"]:
        new = {**new, "patience_s": {**old["patience_s"], **new["patience_s"]},
               "runs": {**old["runs"], **new["runs"]}}  # fmt: skip
    found = {**known, name: new}
    return {one.name: found[one.name] for one in CLIENTS if one.name in found}


def written(document: Document) -> str:
    """Return the JSON with a line for each run, so that a difference is one of lines."""
    head = {key: value for key, value in document.items() if key != "clients"}
    parts = [f" {_line(key)}: {_line(value)}" for key, value in head.items()]
    clients = ",\n".join(_client(name, one) for name, one in document["clients"].items())
    return "{\n" + ",\n".join([*parts, f' "clients": {{\n{clients}\n }}']) + "\n}\n"


def _client(name: str, one: Mapping[str, Any]) -> str:
    parts = [f"   {_line(key)}: {_line(value)}" for key, value in one.items() if key != "runs"]
    runs = ",\n".join(
        f"    {_line(scenario)}: {{\n{_families(families)}\n    }}"
        for scenario, families in one["runs"].items()
    )
    parts.append(f'   "runs": {{\n{runs}\n   }}')
    return f"  {_line(name)}: {{\n" + ",\n".join(parts) + "\n  }"


def _families(families: Mapping[str, Document]) -> str:
    return ",\n".join(f"     {_line(family)}: {_line(run)}" for family, run in families.items())


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
