"""From what was seen to what is proven: each expectation of a case becomes a proof."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import explain, winsock
from lab.calls import Call, Wanted, number_of
from lab.faults import Fault
from lab.inside.libc import ERRNO_NAMES
from lab.inside.octets import as_octets
from lab.result import Proof
from lab.scenario import Case, Counted, Picture
from lab.states import Change, Passage
from lab.wire import Packet, Pattern

# With Winsock's codes, whose numbers are beyond Linux's, but for some of Windows' own (there
# Linux's name is the one), and with what getaddrinfo(3) says: negative, so that none is another.
NAMES = (
    {code.number: code.name for code in winsock.CODES}
    | ERRNO_NAMES
    | {n: name for name, n in vars(socket).items() if name.startswith("EAI_") and n < 0}
)

# The calls that run a program, which is then their name.
PROGRAMS = ("run", "start", "supervise", "contain")


@dataclass(frozen=True)
class Observation:
    """What a run saw of one case.

    `calls` are the agent's answers in the order of the case's calls; `counters`
    what each host's kernel counted meanwhile; `hits` those of each fault, None for a
    setting, which nothing counts; `lost` the number of packets that a
    capture missed, by host; `blind` the hosts whose capture did not see what surely
    came by after the calls. `states` are those of the calls' connections as they changed,
    where a case asks for them; `unrecorded` says of a host why it has none.
    """

    calls: Sequence[Mapping[str, Any]]
    packets: Sequence[Packet]
    counters: Mapping[str, Mapping[str, int]]
    hits: Sequence[int | None]
    lost: Mapping[str, int]
    blind: Sequence[str] = ()
    states: Sequence[Change] = ()
    unrecorded: Mapping[str, str] = field(default_factory=dict)


def errno_name(number: int) -> str:
    """Return the symbol of an errno or of a code of Winsock, "0" for none."""
    return NAMES.get(number, str(number)) if number else "0"


def prove(case: Case, seen: Observation) -> tuple[list[Proof], Picture | None]:
    """Return every proof of a case, and the picture that it showed."""
    proofs = [_prove_call(call, got) for call, got in zip(case.all_calls, seen.calls)]
    for call, got in zip(case.all_calls, seen.calls):
        proofs += _prove_order(call, got, seen.packets)
    proofs += [_prove_seen(pattern, seen.packets) for pattern in case.seen]
    proofs += [_prove_absent(pattern, seen.packets) for pattern in case.absent]
    proofs += [*incomplete(seen), *prove_hits(case, seen)]
    proofs += [_prove_counted(counted, seen.counters) for counted in case.counted]
    proofs += [_prove_passage(passage, seen.states) for passage in case.states]
    if seen.unrecorded:
        why = "; ".join(f"{host}: {reason}" for host, reason in seen.unrecorded.items())
        proofs.append(Proof("state", "states are recorded", "on every host", why, ok=False))
    if not case.pictures:
        return [*proofs, *_uncounted(proofs)], None
    attempts = [(picture, _prove_picture(picture, case, seen)) for picture in case.pictures]
    picture, shown = max(attempts, key=lambda attempt: sum(proof.ok for proof in attempt[1]))
    whole = all(proof.ok for proof in shown)
    proofs += shown
    return [*proofs, *_uncounted(proofs)], picture if whole else None


def incomplete(seen: Observation) -> list[Proof]:
    """Return a proof that fails if a capture is not whole."""
    missed = [f"{number} packets lost at {at}" for at, number in seen.lost.items() if number]
    missed += [f"{at} saw not even the packets after the calls" for at in seen.blind]
    if not missed:
        return []
    return [Proof("wire", "captures are complete", "all seen", ", ".join(missed), ok=False)]


def prove_hits(case: Case, seen: Observation) -> list[Proof]:
    """Return for each fault that can be counted a proof that it was hit."""
    return [
        Proof("counter", f"{said(fault)} was hit", "at least 1", str(hits), hits >= 1)
        for fault, hits in hits_of(case.faults, seen.hits)
    ]


def hits_of(faults: Sequence[Fault], hits: Sequence[int | None]) -> list[tuple[Fault, int]]:
    """Return the faults whose hits are counted, with them; a group is its first, with all of its.

    A fault before several services is there for each, and who is turned away by the first may
    never come to the second.
    """
    found: dict[str, tuple[Fault, int]] = {}
    for number, (fault, more) in enumerate(zip(faults, hits)):
        if more is not None:
            key = f"fault {number}" if fault.group is None else f"group {fault.group}"
            first, before = found.get(key, (fault, 0))
            found[key] = first, before + more
    return list(found.values())


def _uncounted(proofs: Sequence[Proof]) -> list[Proof]:
    """Return a proof that fails if nothing was counted: a fault may be a mere setting."""
    if any(proof.kind == "counter" for proof in proofs):
        return []
    return [Proof("counter", "something was counted", "a hit or a counter", "none", ok=False)]


def said(fault: Fault) -> str:
    """Return a fault in words: "the fault on router (drop)"."""
    return f"the fault on {fault.on} ({fault.kind})"


def name_of(call: Call) -> str:
    """Return a call in words: "client connect to server:16555"."""
    port = call.arguments.get("port")
    literal = call.arguments.get("address", "")
    literal = f"[{literal}]" if ":" in literal else literal
    to = call.to or literal
    way = f" to {to}:{port}" if to else f" {call.arguments.get('path', '')}".rstrip()
    if call.name in PROGRAMS:
        way = f" {(*call.arguments['argv'], call.arguments.get('image'))[0]}"
    elif "program" in call.arguments:
        way = f" {call.arguments['program']}"
    way += ", in the background" if call.background else ""
    option = f" {call.arguments['option']}" if "option" in call.arguments else ""
    return f"{call.who} {call.name}{option}{way}"


def _prove_call(call: Call, got: Mapping[str, Any]) -> Proof:
    ok = any(_gives(call, wish, got) and _in_time(wish, got) for wish in _wishes(call.wanted))
    return Proof("call", name_of(call), _wanted(call), _got(call, got), ok)


def _wishes(wanted: Wanted) -> Iterator[Wanted]:
    """Yield what is wanted, and what may come in its place."""
    yield wanted
    if wanted.instead:
        yield from _wishes(wanted.instead)


def _in_time(wanted: Wanted, got: Mapping[str, Any]) -> bool:
    if wanted.within_s is None:
        return True
    first, last = wanted.within_s
    return bool(first <= got.get("elapsed_ms", 1e12) / 1e3 <= last)


def gave(call: Call, got: Mapping[str, Any]) -> bool:
    """Tell whether a call gave what was wanted of it, whatever its time."""
    return any(_gives(call, wish, got) for wish in _wishes(call.wanted))


def limit_met(call: Call, got: Mapping[str, Any]) -> str:
    """Return the name of the caller's limit by which something else came; "" if none did."""
    wishes = list(_wishes(call.wanted))
    for before, wish in zip([None, *wishes], wishes):
        if _gives(call, wish, got) and _in_time(wish, got):
            return before.limit if before else ""
    return ""


def _gives(call: Call, wanted: Wanted, got: Mapping[str, Any]) -> bool:
    signals = got.get("signals", ())
    came = not signals if wanted.signal == "none" else wanted.signal in ("", *signals)
    if wanted.errno_name:
        number = _number(wanted.errno_name)
        return bool(got["value"] == -1 and got["errno"] == number and came)
    if got.get("errno") or "hung" in got or "lost" in got:
        return False
    # Of a program, -1 is how SIGHUP ends it: no failure if it is what was wanted.
    if got["value"] == -1 and wanted.value != -1:
        return False
    if call.is_status and wanted.value is None and got["value"] != 0:
        return False
    return all(
        (
            came,
            wanted.reported is None or got["value"] == _number(wanted.reported),
            wanted.told is None or _is_told(wanted.told, got.get("detail", "")),
            wanted.data is None or as_octets(got.get("data", "")) == wanted.data,
            wanted.value is None or got["value"] == wanted.value,
            wanted.between is None or wanted.between[0] <= got["value"] <= wanted.between[1],
        )
    )


def _is_told(wanted: str, told: str) -> bool:
    """Tell whether a text is what was wanted, in which "…" stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split("…"))), told, re.DOTALL) is not None


def _number(errno_name: str) -> int:
    """Return the number of an errno, 0 for ""."""
    return number_of(errno_name) if errno_name else 0


def _wanted(call: Call) -> str:
    """Return what is wanted of a call, in words."""
    first, *others = _wishes(call.wanted)
    limits = [one.limit for one in (first, *others)]
    more = (f", or {_wish(call, one)} ({limit})" for one, limit in zip(others, limits))
    return _wish(call, first) + "".join(more)


def _wish(call: Call, wanted: Wanted) -> str:
    if wanted.errno_name:
        text = _errno(wanted.errno_name)
    elif wanted.reported is not None:
        text = f"{wanted.reported or 'no errno'} ({_number(wanted.reported)}) as value"
    elif wanted.told is not None:
        text = f"{wanted.told}"
    elif wanted.data is not None:
        text = preview(wanted.data)
    elif wanted.between is not None:
        text = "value {} to {}".format(*wanted.between)
    else:
        text = "success" if wanted.value is None else f"value {wanted.value}"
    if call.is_status and wanted.value is not None and not text.startswith("value"):
        text = f"status {wanted.value}: {text}"
    if wanted.signal:
        text += " and no signal" if wanted.signal == "none" else f" and {wanted.signal}"
    if wanted.within_s is not None:
        text += f" in {wanted.within_s[0]:g} to {wanted.within_s[1]:g} s"
    return text


def _got(call: Call, got: Mapping[str, Any]) -> str:
    if "hung" in got:
        return f"no answer after {got['elapsed_ms'] / 1e3:.1f} s"
    if "lost" in got:
        return f"no answer: {got['lost']}"
    signals = "".join(f" and {signal}" for signal in got.get("signals", ()))
    linux = f", on Linux {_errno(call.wanted.linux)}," if call.wanted.linux else ""
    limit = f" (limit: {limit_met(call, got)})" if limit_met(call, got) else ""
    return f"{came(call, got)}{linux}{signals} after {duration(got['elapsed_ms'])}{limit}"


def _errno(name: str) -> str:
    """Return an errno for a person: "ECONNREFUSED (111)"."""
    return f"{name} ({_number(name)})"


def came(call: Call, got: Mapping[str, Any]) -> str:
    """Return what a call gave, in words."""
    value, detail = got["value"], got.get("detail", "")
    if got["errno"]:
        return f"{errno_name(got['errno'])} ({got['errno']})"
    status = f"status {value}: " if call.is_status and value else ""
    if call.wanted.told is not None:
        return f"{status}{detail or 'nothing'}"
    if got.get("data") and (call.wanted.value is None or call.wanted.data is not None):
        return f"{status}{preview(as_octets(got['data']))}"
    if call.wanted.reported is not None and value:
        return f"{errno_name(value)} ({value}) as value"
    return f"value {value}" + (f" ({detail})" if detail else "")


def duration(ms: float) -> str:
    """Return a time for a person: "0.4 ms", "3.02 s"."""
    return f"{ms:.2g} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1e3:.2f} s"


def preview(data: bytes) -> str:
    """Return short data as it is, long data as its beginning and length."""
    return repr(data) if len(data) <= 32 else f"{data[:12]!r}… ({len(data)} bytes)"


def _prove_seen(pattern: Pattern, packets: Sequence[Packet]) -> Proof:
    unmet = pattern.unmet(packets)
    number = sum(map(pattern.matches, packets))
    got = unmet or (pattern.wanted() if pattern.schedule is not None else f"{number}")
    return Proof("wire", pattern.describe(), pattern.wanted(), got, not unmet)


def _prove_order(call: Call, got: Mapping[str, Any], packets: Sequence[Packet]) -> list[Proof]:
    """Return the proofs that a call returned after, or before, the first packet of a kind."""
    proofs = []
    for word, pattern in (("after", call.wanted.after), ("before", call.wanted.before)):
        if pattern is None:
            continue
        first_ns = min((packet.t_ns for packet in packets if pattern.matches(packet)), default=None)
        if first_ns is None:
            shown, ok = "there was none", False
        elif got["value"] is None:
            shown, ok = "it did not return", False
        else:
            later_ms = (got["at_ns"] - first_ns) / 1e6 + got["elapsed_ms"]
            shown = f"{duration(abs(later_ms))} {'after' if later_ms > 0 else 'before'}"
            ok = (later_ms > 0) == (word == "after")
        what = f"{name_of(call)} returned"
        proofs.append(Proof("call", what, f"{word} {pattern.describe()}", shown, ok))
    return proofs


def _prove_absent(pattern: Pattern, packets: Sequence[Packet]) -> Proof:
    number = sum(map(pattern.matches, packets))
    return Proof("wire", pattern.describe(), "none", str(number) if number else "none", not number)


def _prove_counted(counted: Counted, counters: Mapping[str, Mapping[str, int]]) -> Proof:
    got = counters[counted.host].get(counted.counter)
    if counted.exactly is not None:
        wanted, ok = f"+{counted.exactly}", got == counted.exactly
    else:
        wanted, ok = f"at least +{counted.at_least}", got is not None and got >= counted.at_least
    shown = "this kernel has no such counter" if got is None else f"+{got}"
    return Proof("counter", f"{counted.host} {counted.counter}", wanted, shown, ok)


def _prove_passage(passage: Passage, changes: Sequence[Change]) -> Proof:
    ok = passage.holds(changes)
    return Proof("state", passage.describe(), passage.wanted(), passage.got(changes), ok)


def _prove_picture(picture: Picture, case: Case, seen: Observation) -> list[Proof]:
    failing = next(
        got
        for call, got in zip(case.all_calls, seen.calls)
        if call.wanted.errno_name and not call.wanted.begins
    )
    first, last = picture.within_s
    time_ok = first <= failing.get("elapsed_ms", 1e12) / 1e3 <= last
    proofs = [
        Proof("call", "time to the error", f"{first:g} to {last:g} s",
              duration(failing.get("elapsed_ms", 0.0)), time_ok),
        *(_prove_seen(pattern, seen.packets) for pattern in picture.seen),
        *(_prove_counted(counted, seen.counters) for counted in picture.counted),
    ]  # fmt: skip
    for proof in proofs:
        proof.what += f" (reported {picture.name})"
    return proofs


def meaning(name: str) -> str:
    """Return the C library's words for an errno: "Connection refused"."""
    return explain.text(name)
