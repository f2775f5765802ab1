"""Faults made of crafted packets: the router answers in somebody's name, from user space.

The program is `errnolab-respond` (images/host/respond.py); what it answers is
dropped beside it, unless said. Its answers come from another context than the
caller's own connect(), as they do on real hardware (see `lab/pictures.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lab.faults import firewall
from lab.faults.plan import Fault, Hits, Plan, Site
from lab.known import Known
from lab.topology import DESTINATIONS, ECHO_PORT, Family

# Which segments the program can choose: none answers a RST (RFC 9293 3.10.7).
ANSWERED = [flags for flags in firewall.FLAG_MATCHES if flags != "RST"]
FLAGS = ("SYN", "ACK", "RST", "FIN", "PSH", "URG")
REDIRECT = 5
TOO_BIG: dict[Family, tuple[int, int]] = {"ipv4": (3, 4), "ipv6": (2, 0)}


def icmp_error(
    error: Any, *, sender: str = "router", mtu: Any = 0, quote_seq_add: int = 0
) -> dict[str, Any]:
    """Return an ICMP error (type, code) that quotes the packet.

    Args: `sender` is whose address it comes from; `quote_seq_add` is added to the
    sequence number in the quotation; `mtu` goes into a "packet too big".
    """
    return {"kind": "icmp", "error": error, "source": sender, "mtu": mtu,
            "quote_seq_add": quote_seq_add}  # fmt: skip


def segment(
    flags: str, *, seq: int | None = None, seq_add: int = 0, ack_add: int = 0,
    payload: str = "", bad_checksum: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Return a TCP segment back to the packet's sender, in the name of who it was meant for.

    Its sequence number is what the packet acknowledged (or `seq`), its acknowledgment
    what the packet needs; `seq_add` and `ack_add` make them wrong.
    """
    found = {"kind": "tcp", "flags": flags, "seq_add": seq_add, "ack_add": ack_add,
             "payload": payload, "bad_checksum": bad_checksum}  # fmt: skip
    return found if seq is None else {**found, "seq": seq}


def answer(
    *, to: str, by: Sequence[dict[str, Any]], on: str = "router", sender: str = "client",
    proto: str = "tcp", port: int = ECHO_PORT, flags: str = "SYN", times: Any = None,
    delay_s: float = 0.0, lets_pass: bool = False,
) -> Fault:  # fmt: skip
    """Answer packets of a flow with crafted ones, and drop them.

    Args: `by` is one or more of `icmp_error` and `segment`, sent in order; `flags` as
    of `reject`; `times` how many packets are answered before the flow is let be;
    `delay_s` later; with `lets_pass` the packets go on.
    """
    arguments = {"by": list(by), "sender": sender, "proto": proto, "port": port,
                 "flags": flags if proto == "tcp" else "", "times": times, "delay_s": delay_s,
                 "lets_pass": lets_pass}  # fmt: skip
    return Fault(
        on, "answer", "crafted packet", _plan_answer, arguments, to,
        needs=("packet-sockets", *firewall.needs_of(times)), check=_wrong_answer,
    )  # fmt: skip


def _wrong_answer(by: Sequence[dict[str, Any]], sender: str, flags: str, **_more: Any) -> list[str]:
    found = [] if by else ["nothing to answer with"]
    if flags not in ANSWERED:
        found.append(f"flags '{flags}' are not one of {', '.join(filter(None, ANSWERED))}")
    for role in (sender, *(one["source"] for one in by if one["kind"] == "icmp")):
        if role not in DESTINATIONS:
            found.append(f"no host '{role}': there are {', '.join(DESTINATIONS)}")
    for one in by:
        error = one.get("error", (0, 0))
        if not isinstance(error, Known) and len(error) != 2:
            found.append(f"error={error!r} is not (type, code)")
        if not set(one.get("flags", "RST").split(",")) <= set(FLAGS):
            found.append(f"flags '{one['flags']}' are not of {', '.join(FLAGS)}")
    return found


def _plan_answer(
    site: Site, *, on: str, to: str, by: list[dict[str, Any]], sender: str, proto: str,
    port: int, flags: str, times: int | None, delay_s: float, lets_pass: bool,
) -> Plan:  # fmt: skip
    when = {"proto": proto, "src": site.address(sender), "dst": site.address(to), "dport": port}
    spec = {"when": {**when, "flags": flags} if proto == "tcp" else when, "times": times,
            "delay_s": delay_s, "answers": [_for_the_program(site, one) for one in by]}  # fmt: skip
    drop = firewall.drop(
        on=on, to=to, port=port, flags=flags, sender=sender, proto=proto, times=times
    ).plan(site)
    # Several may run beside each other.
    words = ["respond", sender, to, site.family, proto, str(port), *flags.split(",")]
    name = "-".join(words).rstrip("-")
    # The program first, so that no packet is dropped that nobody answers.
    return Plan(
        on, "crafted packet",
        commands=[["errnolab-respond", "start", name, json.dumps(spec)],
                  *([] if lets_pass else drop.commands)],
        undo=[["errnolab-respond", "stop", name], *([] if lets_pass else drop.undo)],
        hits=Hits(on, command=("cat", f"/run/errnolab/{name}.hits")),
    )  # fmt: skip


def _for_the_program(site: Site, one: dict[str, Any]) -> dict[str, Any]:
    if one["kind"] != "icmp":
        return one
    kind, code = one["error"]
    source = site.address(one["source"])
    found = {"kind": "icmp", "type": kind, "code": code, "source": source,
             "quote_seq_add": one["quote_seq_add"]}  # fmt: skip
    if (kind, code) == TOO_BIG[site.family]:
        found["mtu"] = one["mtu"]
    if site.family == "ipv4" and kind == REDIRECT:
        # The gateway that is in use already: nothing is learned from it.
        found["gateway"] = site.address("router")
    return found
