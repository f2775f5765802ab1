"""The command `errnolab`: it reads arguments, calls the module that knows, and prints."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from lab import lang
from lab.console import err, option, out, say, takes_utf8, this_command
from lab.errors import LabError
from lab.topology import CALLERS, FAMILIES, GUESTS, HOSTS, Family

INTERRUPTED = 130
FAMILY_CHOICES: dict[str, tuple[Family, ...]] = {
    "4": ("ipv4",), "6": ("ipv6",), "both": FAMILIES,
}  # fmt: skip


def main() -> None:
    """Run the command line; the exit status is the agreed one."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a character shows "?" and not a traceback.
            stream.reconfigure(errors="replace")
    try:
        status = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = 2
    except LabError as error:
        err.print(f"errnolab: {error}", markup=False)
        status = 2
    except (KeyboardInterrupt, click.Abort):
        say("errnolab: interrupted; what a run had broken is mended")
        status = INTERRUPTED
    except BrokenPipeError:
        # Who reads us has gone; so has the place where Python would flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 0
    except Exception as error:
        # 1 says that a proof did not hold: whatever else goes wrong must not say that.
        if os.environ.get("ERRNOLAB_DEBUG"):
            raise
        err.print(f"errnolab: {type(error).__name__}: {error}", markup=False)
        say("  `ERRNOLAB_DEBUG=1` shows where")
        status = 2
    sys.exit(status or 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="errnolab")
def cli() -> None:
    """Every way a socket call can fail: produced, seen from every side, and proven."""


def lab_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lab; the environment's ERRNOLAB_LAB is its default."""
    return click.option(
        "--lab", "lab_name", default=lambda: os.environ.get("ERRNOLAB_LAB", "default"),
        show_default="default", metavar="NAME", help="Which lab; several run side by side.",
    )(function)  # fmt: skip


def lang_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lang; the environment's ERRNOLAB_LANG is its default."""
    return click.option(
        "--lang", default=lang.default, show_default="en", type=click.Choice(lang.LANGUAGES),
        expose_value=False, callback=lambda _context, _option, chosen: lang.choose(chosen),
        help="Language of explanations.",
    )(function)  # fmt: skip


family_option = click.option(
    "--family", default="both", type=click.Choice(list(FAMILY_CHOICES)), help="Address family."
)


@cli.command()
@lab_option
@click.option("--block", type=click.IntRange(0, 63), help="Address block, by default a free one.")
@click.option("--with", "guest_roles", multiple=True, type=click.Choice(list(GUESTS)),
              help="A host too that only some scenarios need; may be given again.")  # fmt: skip
def up(lab_name: str, block: int | None, guest_roles: Sequence[str]) -> None:
    """Bring a lab up, or back to its baseline."""
    from lab import guests, status  # noqa: PLC0415  # `errnolab --help` needs no engine
    from lab import lab as labs  # noqa: PLC0415

    labs.up(lab_name, block=block)
    with labs.hold(lab_name, heal=True) as lab:
        guests.invite(lab, guest_roles)
        status.show(lab)


@cli.command()
@lab_option
@click.option("--all", "every", is_flag=True, help="Every lab on this engine.")
def down(lab_name: str, every: bool) -> None:
    """Take a lab and its siblings down and leave nothing behind."""
    from lab import engine  # noqa: PLC0415
    from lab import lab as labs  # noqa: PLC0415

    here = engine.connect()
    known = labs.names_with_networks(here)
    chosen = known if every else labs.family_of(lab_name, known)
    for name in sorted(chosen):
        say(f"lab {name}: removed {labs.remove(here, name)} containers and their networks")
    if not chosen:
        say("no lab is up")


@cli.command()
@lab_option
@click.option("--all", "every", is_flag=True, help="A line for each lab on this engine.")
def status(lab_name: str, every: bool) -> None:
    """Show hosts, addresses, health and faults in force."""
    from lab import status as module  # noqa: PLC0415

    if every:
        module.show_all()
    else:
        sys.exit(module.show_by_name(lab_name))


@cli.command(name="list")
@click.option("--names", "only_names", is_flag=True, help="Names alone, one a line.")
@click.option("--errno", "by_errno", is_flag=True, help="By errno, not by what is at fault.")
@lang_option
def list_(only_names: bool, by_errno: bool) -> None:
    """List the scenarios, by what is at fault."""
    from lab import lookup  # noqa: PLC0415

    if only_names:
        lookup.list_names()
    elif by_errno:
        lookup.list_by_errno()
    else:
        lookup.list_by_cause()


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="ERRNO|MESSAGE", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@lang_option
@click.option("--write", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Write a page for each errno instead.")  # fmt: skip
def explain(words: Sequence[str], as_json: bool, write: Path | None) -> None:
    """Say what an errno, or a code of Windows, means, what can be at fault, and how to tell.

    A name, a number, or what a program printed: errnolab explain No route to host
    """
    from lab import lookup  # noqa: PLC0415

    if write is not None and not words:
        lookup.write_pages(write)
    elif words and write is None:
        lookup.explain_(" ".join(words), as_json=as_json)
    else:
        raise click.UsageError("give an errno, a number or a message, or --write alone")


@cli.command()
@click.argument("ids", metavar="[CLAIM]...", nargs=-1)
@click.option("--run", "rerun", is_flag=True, help="Run the scenarios that show them, first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, help="Labs to run on side by side.")
@lab_option
@lang_option
def claims(ids: Sequence[str], rerun: bool, as_json: bool, jobs: int, lab_name: str) -> None:
    """Judge the claims of the tutorial by what the newest runs showed, or show one claim.

    Exit status: 0 if every verdict is as expected, 1 if not.
    """
    from lab import claims as module  # noqa: PLC0415
    from lab import command, evidence, scenario  # noqa: PLC0415

    judged = module.look([name[:1].upper() + name[1:] for name in ids])
    if rerun:
        chosen, folder = scenario.load_many(module.scenarios_of(judged)), evidence.new_folder()
        command.run(chosen, FAMILIES, lab_name, quiet=as_json, jobs=jobs, folder=folder)
        judged = module.look([one.claim.id for one in judged], [folder])
    if as_json:
        text = json.dumps(module.document(judged), indent=1, ensure_ascii=not takes_utf8())
        click.echo(text)
    elif ids:
        for one in judged:
            module.show_one(one)
    else:
        module.show_table(judged)
    sys.exit(0 if all(one.ok for one in judged) else 1)


@cli.command()
@click.argument("name")
@lang_option
def show(name: str) -> None:
    """Explain a scenario: what it breaks, what is called, what must be seen."""
    from lab import render, scenario  # noqa: PLC0415

    render.show_scenario(scenario.load(name))


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every scenario that is not slow.")
@click.option("--slow", is_flag=True, help="With --all: the slow ones too (minutes each).")
@click.option(
    "--from",
    "host",
    default="client",
    type=click.Choice(CALLERS),
    show_default=True,
    help="The host that the client's calls are made from.",
)
@family_option
@lab_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML to a file.")
@click.option("--keep", is_flag=True, help="Leave the fault of a run that did not pass in force.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, help="Labs to run on side by side.")
def run(
    names: Sequence[str], every: bool, slow: bool, host: str, family: str, lab_name: str,
    as_json: bool, junit: Path | None, keep: bool, jobs: int,
) -> None:  # fmt: skip
    """Run scenarios and prove what they claim."""
    from lab import command, moving, scenario  # noqa: PLC0415

    if every and not scenario.names():
        raise LabError(f"there are no scenarios in {scenario.FOLDER}")
    if not (every or names):
        raise click.UsageError("name a scenario, or --all; `errnolab list` shows them")
    families = FAMILY_CHOICES[family]
    named = moving.load(list(dict.fromkeys(names)), host, families)
    others = moving.load_all(host, families, slow=slow) if every else []
    chosen = list({loaded.name: loaded for loaded in (*others, *named)}.values())
    sys.exit(
        command.run(chosen, FAMILY_CHOICES[family], lab_name, as_json=as_json, junit=junit,
                    keep=keep, jobs=jobs)
    )  # fmt: skip


@cli.command(name="try", context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME[.CASE]",
              help="A scenario whose fault it is to meet; may be given again.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Every fault that a program can meet.")
@click.option("--image", help="Run it in a container of this image, in the client's network.")
@click.option("--mount", "mounts", multiple=True, type=click.Path(path_type=Path, exists=True),
              help="A file or folder that it sees, at the same path; repeatable.")  # fmt: skip
@click.option("--from", "host", type=click.Choice(CALLERS), help="The host that it runs in.")
@click.option("--family", type=click.Choice(list(FAMILY_CHOICES)), help="Address family.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 3600.0),
              help="Seconds until it is ended, and counts as hung.")  # fmt: skip
@click.option("--env", "env", multiple=True, metavar="NAME=VALUE", help="A variable for it.")
@click.option("--stdin", metavar="TEXT", help="What it can read; nothing, if not given.")
@click.option("--no-trace", is_flag=True, default=None,
              help="Do not trace it: its errnos are not known, and it is not slowed.")  # fmt: skip
@click.option("--server-image", help="Your service, in the server's place: an image.")
@click.option("--server-command", metavar="COMMAND", help="The same: a command in the server.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of your service.")
@click.option("--udp", is_flag=True, default=None, help="Your service takes datagrams.")
@click.option("--expect", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="What is expected; errnolab.toml, if it is there.")  # fmt: skip
@click.option("--record", is_flag=True, help="Write what was seen into that file.")
@click.option("--json", "as_json", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
              metavar="FILE", help="Write one JSON document; - is standard output.")  # fmt: skip
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML to a file.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Append the table to a file.")
@click.option("--jobs", type=click.IntRange(1, 16), help="Labs to run on side by side.")
@lab_option
def try_(lab_name: str, **options: Any) -> None:
    """Run your own program in health and under each fault, and show what it did.

    It finds where to go in SERVER, SERVER4, SERVER6, PORT and URL, in its environment, or as
    {SERVER}, {PORT}, {URL} in a word of the command: errnolab try -- curl -sS {URL}
    """
    from lab import tried  # noqa: PLC0415

    sys.exit(tried.command(lab_name, **options))


@cli.command(name="break")
@click.argument("name")
@click.option("--family", default="4", type=click.Choice(["4", "6"]), help="Address family.")
@lab_option
def break_(name: str, family: str, lab_name: str) -> None:
    """Put a scenario's fault in and leave it, to look around."""
    from lab import command, scenario  # noqa: PLC0415

    command.break_(scenario.load(name), FAMILY_CHOICES[family][0], lab_name)


@cli.command()
@lab_option
def heal(lab_name: str) -> None:
    """Take out whatever fault is in force."""
    from lab import command  # noqa: PLC0415

    command.heal(lab_name)


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("host", type=click.Choice(HOSTS))
@click.argument("argv", nargs=-1)
@lab_option
def shell(host: str, argv: Sequence[str], lab_name: str) -> None:
    """Open a shell in a host, or run a command there."""
    from lab import engine  # noqa: PLC0415
    from lab import lab as labs  # noqa: PLC0415

    here = engine.connect()
    container = labs.find(here, lab_name).containers.get(host)
    if container is None:
        asked = f"up{option(lab_name)}" + (f" --with {host}" if host in GUESTS else "")
        raise LabError(f"lab {lab_name} has no host {host}; `{this_command()} {asked}` brings it")
    if argv[:1] == ("--lab",):
        raise click.UsageError("give --lab before the host: errnolab shell --lab NAME HOST …")
    argv = argv[1:] if argv[:1] == ("--",) else argv
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    command = [here.cli, "exec", "-i", *terminal, str(container["Id"]), *(argv or ["bash"])]
    sys.exit(subprocess.run(command, check=False).returncode)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> None:
    """List what this kernel, engine and user can do, and what each is needed for."""
    from lab import doctor as module  # noqa: PLC0415

    findings = module.examine()
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        module.show(findings)
    sys.exit(0 if all(finding.ok or finding.optional for finding in findings) else 2)


@cli.command()
def report() -> None:
    """Write a page on the newest runs and say where it is."""
    from lab import report as module  # noqa: PLC0415

    out.print(str(module.write()), markup=False)


@cli.command()
@lab_option
def bench(lab_name: str) -> None:
    """Measure the lab against its aims."""
    from lab import bench as module  # noqa: PLC0415

    sys.exit(module.run(lab_name))


@cli.command()
def engine() -> None:
    """Find the container engine; as root on Debian or Ubuntu install and start one."""
    from lab import engine as module  # noqa: PLC0415

    here = module.ensure()
    out.print(f"{here.name} {here.version}", markup=False)


@cli.command()
def clean() -> None:
    """Remove this lab's images."""
    from lab import engine as module  # noqa: PLC0415
    from lab import images  # noqa: PLC0415

    for name in images.remove_ours(module.connect()):
        say(f"removed image {name}")
