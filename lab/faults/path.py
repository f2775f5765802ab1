"""Faults of the path itself: packets come late, twice, in another order, cut, or not at all.

The program is `errnolab-relay` (images/host/relay.py): a rule drops the flow where the
router would forward it, and the program passes on what it saw come in. It needs no
module of the kernel, as netem would, and chooses packets exactly: the third one, not
each with a chance of a third. All packets of the flow go through it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lab.faults import firewall
from lab.faults.plan import Fault, Hits, Plan, Site
from lab.known import Known
from lab.topology import DESTINATIONS, ECHO_PORT

# Which packets are counted; "data" is what no rule of a firewall can match.
COUNTED = [*(flags for flags in firewall.FLAG_MATCHES if flags != "RST"), "data"]
NEEDS = ("iptables", "packet-sockets", "raw-sockets")
# Whose packets, which way: what faults that are made together must agree on.
FLOW = ("where", "sender", "proto", "port", "replies")


def delay(
    *, to: str, ms: Any, on: str = "router", port: int = ECHO_PORT, proto: str = "tcp",
    sender: str = "client", replies: bool = False, flags: str = "", nth: Any = None,
    every: Any = None, times: Any = None,
) -> Fault:  # fmt: skip
    """Let packets of a flow come `ms` milliseconds later; their order stays.

    Args: the flow is what `sender` sends to a port of `to` or, with `replies`, what
    comes back from there. `flags` says which packets are counted, as in `reject`, or
    "data" for those that carry some; of these `nth=[2, 5]` chooses by number, from 1
    on, `every=3` each third, neither of them all; `times` is how many are chosen
    before the flow is let be. What is not chosen passes at once.
    """
    step = {"do": "delay", "ms": ms, **_choice(proto, flags, nth, every, times)}
    return _fault("delay", on, to, port, proto, sender, replies, step)


def lose(
    *, to: str, nth: Any = None, every: Any = None, on: str = "router", port: int = ECHO_PORT,
    proto: str = "tcp", sender: str = "client", replies: bool = False, flags: str = "data",
    times: Any = None,
) -> Fault:  # fmt: skip
    """Lose chosen packets of a flow, `nth` or `every`; arguments as `delay`."""
    step = {"do": "lose", **_choice(proto, flags, nth, every, times)}
    return _fault("lose", on, to, port, proto, sender, replies, step)


def duplicate(
    *, to: str, copies: Any = 1, on: str = "router", port: int = ECHO_PORT, proto: str = "tcp",
    sender: str = "client", replies: bool = False, flags: str = "data", nth: Any = None,
    every: Any = None, times: Any = None,
) -> Fault:  # fmt: skip
    """Let packets of a flow come `copies` times more; arguments as `delay`."""
    step = {"do": "duplicate", "copies": copies, **_choice(proto, flags, nth, every, times)}
    return _fault("duplicate", on, to, port, proto, sender, replies, step)


def reorder(
    *, to: str, nth: Any = None, every: Any = None, after: Any = 1, at_most_ms: Any = 1000,
    on: str = "router", port: int = ECHO_PORT, proto: str = "tcp", sender: str = "client",
    replies: bool = False, flags: str = "data", times: Any = None,
) -> Fault:  # fmt: skip
    """Hold chosen packets back until `after` more have passed; arguments as `delay`.

    One that none passes goes on after `at_most_ms`, and is no hit.
    """
    step = {"do": "reorder", "after": after, "at_most_ms": at_most_ms,
            **_choice(proto, flags, nth, every, times)}  # fmt: skip
    return _fault("reorder", on, to, port, proto, sender, replies, step)


def cut(
    *, to: str, at: Any = (), every: Any = None, on: str = "router", port: int = ECHO_PORT,
    sender: str = "client", replies: bool = False,
) -> Fault:  # fmt: skip
    """Let the segments of TCP streams end at chosen bytes; the flow as in `delay`.

    Args: `at=[1, 3]` are offsets from the first byte of the stream (that comes by, if
    the connection is older than the fault); `every=1` makes segments of one byte. A
    segment sent again is cut at the same places.
    """
    step = {"do": "cut", "at": at if isinstance(at, Known) else list(at), "each": every}
    return _fault("cut", on, to, port, "tcp", sender, replies, step)


def join(
    *, to: str, ms: Any = 50, on: str = "router", port: int = ECHO_PORT, sender: str = "client",
    replies: bool = False,
) -> Fault:  # fmt: skip
    """Let small segments of a TCP stream that come within `ms` be one; the flow as in `delay`."""
    step = {"do": "join", "ms": ms}
    return _fault("join", on, to, port, "tcp", sender, replies, step)


def bad_path(*faults: Fault) -> Fault:
    """Make one fault of several of the path on one flow: each packet meets them in this order.

    Args: `faults` are of `delay`, `lose`, `duplicate`, `reorder`, `cut` and `join`. Each
    of them must have been hit.
    """
    ours = [fault for fault in faults if fault.planner is _plan]
    steps = [step for fault in ours for step in fault.arguments["steps"]]
    whole = ours[0] if ours else _fault("", "router", "server", ECHO_PORT, "tcp", "client", False)
    flows = [{"to": fault.to, **{key: fault.arguments[key] for key in FLOW}} for fault in ours]
    strange = [fault.kind for fault in faults if fault not in ours]
    arguments = {**whole.arguments, "steps": steps, "flows": flows, "strange": strange}
    return replace(whole, kind="bad_path", arguments=arguments)


def _choice(proto: str, flags: str, nth: Any, every: Any, times: Any) -> dict[str, Any]:
    nth = list(nth) if isinstance(nth, (list, tuple)) else nth
    return {"flags": flags if proto == "tcp" else "", "nth": nth, "every": every, "times": times}


def _fault(
    kind: str, on: str, to: str, port: int, proto: str, sender: str, replies: bool,
    *steps: dict[str, Any],
) -> Fault:  # fmt: skip
    arguments = {"where": on, "sender": sender, "proto": proto, "port": port, "replies": replies,
                 "steps": list(steps), "flows": [], "strange": []}  # fmt: skip
    return Fault(on, kind, "relay", _plan, arguments, to, NEEDS, check=_wrong)


# --- what is wrong ----------------------------------------------------------------


def _wrong(
    where: str, sender: str, proto: str, port: int, replies: bool,
    steps: Sequence[Mapping[str, Any]], flows: Sequence[Mapping[str, Any]],
    strange: Sequence[str],
) -> list[str]:  # fmt: skip
    """Return what is wrong with a fault, once its values are known."""
    found = [f"{kind} is not of the path" for kind in strange]
    if not steps and not strange:
        found.append("nothing to put together")
    if where != "router":
        found.append(f"on={where!r}: only the router passes packets on")
    if sender not in DESTINATIONS:
        found.append(f"no sender '{sender}': there are {', '.join(DESTINATIONS)}")
    if proto not in ("tcp", "udp"):
        found.append(f"proto {proto!r} is not tcp or udp")
    if not (isinstance(port, int) and 1 <= port <= 65535):
        found.append(f"port {port} is not 1 to 65535")
    if any(flow != flows[0] for flow in flows):
        found.append("what is made together is not of one flow")
    return found + [text for step in steps for text in _wrong_step(step)]


def _wrong_step(step: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}={step[name]!r} is not a whole number, {least} or more"
        for name, least in (("ms", 1), ("copies", 1), ("after", 1), ("at_most_ms", 1))
        if name in step and not _is_whole(step[name], least)
    ]
    found += [
        f"{'every' if name == 'each' else name}={step[name]!r} is not a whole number, 1 or more"
        for name in ("every", "times", "each")
        if step.get(name) is not None and not _is_whole(step[name], 1)
    ]
    found += [
        f"{name}={step[name]!r} is not a list of whole numbers, 1 or more"
        for name in ("nth", "at")
        if step.get(name) is not None and not _are_whole(step[name])
    ]
    if step.get("flags", "") not in COUNTED:
        found.append(f"flags '{step['flags']}' are not one of {', '.join(filter(None, COUNTED))}")
    if step["do"] in ("lose", "reorder") and step["nth"] is None and step["every"] is None:
        found.append("which packets? give nth or every")
    if step["do"] == "cut" and not step["at"] and step["each"] is None:
        found.append("where? give at or every")
    return found


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, Known) or (type(value) is int and value >= least)


def _are_whole(value: Any) -> bool:
    if isinstance(value, Known):
        return True
    return isinstance(value, (list, tuple)) and all(_is_whole(one, 1) for one in value)


# --- what it becomes ----------------------------------------------------------------


def _plan(
    site: Site, *, on: str, to: str, where: str, sender: str, proto: str, port: int,
    replies: bool, steps: Sequence[Mapping[str, Any]], **_checked: Any,
) -> Plan:  # fmt: skip
    source, goal = (to, sender) if replies else (sender, to)
    when = {"proto": proto, "src": site.address(source), "dst": site.address(goal),
            "sport" if replies else "dport": port}  # fmt: skip
    if replies:
        drop = firewall.drop_reply(
            on=on, sender=to, to=sender, port=port, flags="", proto=proto
        ).plan(site)  # fmt: skip
    else:
        drop = firewall.drop(on=on, to=to, sender=sender, port=port, flags="", proto=proto).plan(
            site
        )
    # One program a flow: two would both pass its packets on.
    name = "-".join(
        ["relay", source, goal, site.family, proto, str(port), *(["replies"] if replies else [])]
    )
    spec = json.dumps({"when": when, "steps": list(steps)})
    # The program first: what comes before the rule is in comes twice, and nothing is lost.
    return Plan(
        on, "relay",
        commands=[["errnolab-relay", "start", name, spec], *drop.commands],
        undo=[["errnolab-relay", "stop", name], *drop.undo],
        hits=Hits(on, command=("cat", f"/run/errnolab/{name}.hits")),
    )  # fmt: skip
