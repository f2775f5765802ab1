"""errnolab: the words that a scenario is written in.

A file in `scenarios/` imports from here and from nowhere else.
"""

from lab.calls import close, connect, exchange, poll, recv, send, so_error
from lab.faults import drop, drop_reply, drop_tc, no_route, reject, route, stop
from lab.known import per_family, syn_retransmissions, syn_schedule, syn_timeout
from lab.pictures import ICMP_REPORTED
from lab.scenario import Case, Counted, Picture, Scenario
from lab.wire import any_icmp, any_packet, data, fin, icmp, rst, syn, syn_ack

__all__ = [
    "ICMP_REPORTED",
    "Case",
    "Counted",
    "Picture",
    "Scenario",
    "any_icmp",
    "any_packet",
    "close",
    "connect",
    "data",
    "drop",
    "drop_reply",
    "drop_tc",
    "exchange",
    "fin",
    "icmp",
    "no_route",
    "per_family",
    "poll",
    "recv",
    "reject",
    "route",
    "rst",
    "send",
    "so_error",
    "stop",
    "syn",
    "syn_ack",
    "syn_retransmissions",
    "syn_schedule",
    "syn_timeout",
]
