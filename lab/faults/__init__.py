"""The words for faults: each says where, on what traffic, and how it is made."""

from lab.faults.crafted import answer, icmp_error, segment
from lab.faults.firewall import drop, drop_reply, drop_untracked, reject, silence_icmp
from lab.faults.links import forget_neighbour, link_down, mtu, no_address, wrong_neighbour
from lab.faults.misbehaving import misbehave, shut
from lab.faults.path import bad_path, cut, delay, duplicate, join, lose, reorder
from lab.faults.plan import Fault, Hits, Plan, Site
from lab.faults.routes import no_route, route, route_via, routing_rule
from lab.faults.service import stop
from lab.faults.sysctls import sysctl
from lab.faults.tc import drop_tc, slow_link

__all__ = [
    "Fault", "Hits", "Plan", "Site", "answer", "bad_path", "cut", "delay", "drop", "drop_reply",
    "drop_tc", "drop_untracked", "duplicate", "forget_neighbour", "icmp_error", "join",
    "link_down", "lose", "misbehave", "mtu", "no_address", "no_route", "reject", "reorder",
    "route", "route_via", "routing_rule", "segment", "shut", "silence_icmp", "slow_link", "stop",
    "sysctl", "wrong_neighbour",
]  # fmt: skip
