#!/usr/bin/python3 -S
"""errnolab-relay: passes the packets of a flow on, as a bad path would, from user space.

    errnolab-relay start NAME JSON    returns when no packet can be missed any more
    errnolab-relay stop NAME          returns when it is gone, and all that it held is sent
    errnolab-relay hits NAME          prints how many packets it has acted on; of several
                                      steps, what the one that acted least has

It delays, loses, duplicates and holds back chosen packets, cuts the segments of a TCP
stream at chosen bytes and joins small ones. No module of the kernel is needed: a rule
beside it drops the flow where it would be forwarded, and each packet, as it came in,
goes on from here by a raw socket, with one hop less. So the kernel finds the way and
the neighbour; what this host sends itself never meets the rule, and is not taken again.

JSON (what has a default may be left out):

    {"when": {"proto": "tcp" or "udp", "src": ADDRESS, "dst": ADDRESS,
              "sport": null, "dport": null,
              "flags": ""},
     "steps": [STEP, ...]}        each packet goes through them in this order

    STEP is one of
    {"do": "delay", "ms": 100, CHOICE}
    {"do": "lose", CHOICE}
    {"do": "duplicate", "copies": 1, CHOICE}
    {"do": "reorder", "after": 1,         held back until so many more have passed,
     "at_most_ms": 1000, CHOICE}          or this long
    {"do": "cut", "at": [], "each": null} segments end at these bytes of the stream, counted
                                          from its beginning; and at each so many bytes
    {"do": "join", "ms": 50}              small segments that follow each other within this
                                          time become one

    CHOICE is
    "flags": "",                  which packets are counted: as in "when"; or "data"
    "nth": null,                  [2, 5]: the second and the fifth of them
    "every": null,                3: each third of them; neither: all of them
    "times": null                 so many are chosen, and then none

A segment that was to be cut up by the hardware (TSO) is cut up first, as it would have
been. The stream begins at its first byte after the SYN or, if that was not seen, at the
first byte that was. Only whole packets are passed on: no fragments, and nothing with
IPv6 extension headers. A packet that the kernel itself would not forward (no route,
hop limit, too long) is not passed on, for the kernel has said so to its sender.

In /run/errnolab, NAME.pid is there while it runs; NAME.hits and NAME.log stay. Exit
status: 0 done, 1 it could not be done, 2 bad argument.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections import deque

import detached
from packets import (
    ETH_P_IP,
    ETH_P_IPV6,
    FIN,
    MODULUS,
    PACKET_HOST,
    RST,
    SEGMENTS,
    SYN,
    URG,
    Packet,
    matches,
    one_hop_less,
    parse,
    read_when,
    segments,
    with_sums,
)
from spec import (
    Key,
    anything,
    objects,
    one_of,
    or_null,
    read_json,
    read_keys,
    read_kind,
    require,
    whole,
)

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from packets import Address
    from spec import Values

    # Whose stream: the two ports; the addresses are the same for all.
    Flow = tuple[int, int]

# linux/if_packet.h, linux/virtio_net.h: what the hardware would still do to a packet.
SOL_PACKET, PACKET_VNET_HDR = 263, 15
VNET_HEADER = struct.Struct("=BBHHHH")
NEEDS_CHECKSUM = 1
# linux/if_arp.h: how long the header below IP is.
LINK_HEADERS = {1: 14, 772: 14}  # Ethernet, loopback
# A route that is gone, or a packet that is too long: the kernel has told its sender.
NOT_FORWARDED = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EMSGSIZE, errno.EINVAL, errno.EACCES)
# Payload that a joined segment may have: it then fits into the least MTU of IPv6, 1280.
JOINED_BYTES = 1180

# --- What is asked for ----------------------------------------------------------------


def numbers(least: int) -> Callable[[Any], list[int]]:
    """Return a reader of lists of whole numbers."""

    def read(value: Any) -> list[int]:
        right = isinstance(value, list) and all(type(n) is int and n >= least for n in value)
        if not right:
            raise ValueError(f"must be a list of whole numbers, {least} or more")
        return list(value)

    return read


MANY = 1 << 31
MS = whole(0, 3_600_000)
CHOICE = {
    "flags": Key(one_of(*SEGMENTS, "data"), ""),
    "nth": Key(or_null(numbers(1)), None),
    "every": Key(or_null(whole(1, MANY)), None),
    "times": Key(or_null(whole(1, MANY)), None),
}
STEPS = {
    "delay": {"ms": Key(MS), **CHOICE},
    "lose": CHOICE,
    "duplicate": {"copies": Key(whole(1, 1000), 1), **CHOICE},
    "reorder": {"after": Key(whole(1, MANY), 1), "at_most_ms": Key(MS, 1000), **CHOICE},
    "cut": {"at": Key(numbers(1), []), "each": Key(or_null(whole(1, MANY)), None)},
    "join": {"ms": Key(MS)},
}
SPEC = {"when": Key(anything), "steps": Key(objects)}


def read_spec(source: str) -> Values:
    """Read a specification; return its values with defaults filled in, addresses packed.

    Raises: BadArgument, which names the first key that is wrong.
    """
    spec = read_keys("", read_json(source), SPEC)
    spec["when"] = read_when(spec["when"])
    spec["steps"] = [
        read_step(f"steps[{number}]", step, spec["when"])
        for number, step in enumerate(spec["steps"])
    ]
    return spec


def read_step(where: str, raw: Any, when: Values) -> Values:
    """Read one step.

    Raises: BadArgument.
    """
    kind, step = read_kind(where, raw, "do", STEPS)
    of_tcp = kind in ("cut", "join") or step.get("flags", "data") not in ("", "data")
    require(when["proto"] == "tcp" or not of_tcp, f"{where}: only TCP has flags and a stream")
    if kind == "cut":
        require(bool(step["at"] or step["each"]), f"{where}: cut where? give at or each")
    return step


# --- The steps ------------------------------------------------------------------------


class Choice:
    """Counts packets and says which of them are chosen."""

    def __init__(self, flags: str, nth: list[int] | None, every: int | None,
                 times: int | None) -> None:  # fmt: skip
        self.flags = flags
        self.nth = nth
        self.every = every
        self.times = times
        self.seen = 0
        self.chosen = 0

    def counts(self, packet: Packet) -> bool:
        """Tell whether a packet is of the kind that is counted."""
        if self.flags == "data":
            return bool(packet.length)
        looked_at, are_set = SEGMENTS[self.flags]
        return bool(packet.flags & looked_at == are_set)

    def takes(self, packet: Packet) -> bool:
        """Count a packet, and tell whether it is chosen."""
        if not self.counts(packet):
            return False
        self.seen += 1
        if self.chosen == self.times:
            return False
        named = self.nth is not None or self.every is not None
        chosen = (
            not named
            or self.seen in (self.nth or ())
            or (self.every is not None and self.seen % self.every == 0)
        )
        self.chosen += chosen
        return chosen


class Step(ABC):
    """Does one thing to packets; `hits` counts those that it was done to."""

    def __init__(self) -> None:
        self.hits = 0

    @abstractmethod
    def take(self, packet: Packet, now: float) -> list[Packet]:
        """Take a packet; return what goes on at once."""

    def due(self, now: float) -> list[Packet]:
        """Return what was held and goes on now."""
        return []

    def next_s(self) -> float | None:
        """Return when something is due; None while nothing is held."""
        return None


class Delay(Step):
    """Holds packets for a time; all for the same, so that their order stays."""

    def __init__(self, ms: int, **choice: Any) -> None:
        super().__init__()
        self.delay_s = ms / 1e3
        self.choice = Choice(**choice)
        self.held: deque[tuple[float, Packet]] = deque()

    def take(self, packet: Packet, now: float) -> list[Packet]:
        if not self.choice.takes(packet):
            return [packet]
        self.hits += 1
        self.held.append((now + self.delay_s, packet))
        return []

    def due(self, now: float) -> list[Packet]:
        found = []
        while self.held and self.held[0][0] <= now:
            found.append(self.held.popleft()[1])
        return found

    def next_s(self) -> float | None:
        return self.held[0][0] if self.held else None


class Lose(Step):
    """Keeps chosen packets for itself."""

    def __init__(self, **choice: Any) -> None:
        super().__init__()
        self.choice = Choice(**choice)

    def take(self, packet: Packet, now: float) -> list[Packet]:
        if not self.choice.takes(packet):
            return [packet]
        self.hits += 1
        return []


class Duplicate(Step):
    """Lets chosen packets go on more than once."""

    def __init__(self, copies: int, **choice: Any) -> None:
        super().__init__()
        self.copies = copies
        self.choice = Choice(**choice)

    def take(self, packet: Packet, now: float) -> list[Packet]:
        if not self.choice.takes(packet):
            return [packet]
        self.hits += 1
        return [packet] * (1 + self.copies)


class Reorder(Step):
    """Holds chosen packets until others have passed; those that none passed are no hits."""

    def __init__(self, after: int, at_most_ms: int, **choice: Any) -> None:
        super().__init__()
        self.after = after
        self.at_most_s = at_most_ms / 1e3
        self.choice = Choice(**choice)
        # (when it goes on anyhow, how many have still to pass, the packet), in order of coming.
        self.held: list[tuple[float, int, Packet]] = []

    def take(self, packet: Packet, now: float) -> list[Packet]:
        if self.choice.takes(packet):
            self.held.append((now + self.at_most_s, self.after, packet))
            return []
        if not self.choice.counts(packet):
            return [packet]
        found = [packet]
        waiting = [(until, left - 1, held) for until, left, held in self.held]
        self.held = [one for one in waiting if one[1]]
        found += [held for _until, left, held in waiting if not left]
        self.hits += len(found) - 1
        return found

    def due(self, now: float) -> list[Packet]:
        found = [packet for until, _left, packet in self.held if until <= now]
        self.held = [one for one in self.held if one[0] > now]
        return found

    def next_s(self) -> float | None:
        return self.held[0][0] if self.held else None


class Cut(Step):
    """Lets segments of a stream end at chosen bytes; a segment sent again is cut there too."""

    def __init__(self, at: list[int], each: int | None) -> None:
        super().__init__()
        self.at = sorted(set(at))
        self.each = each
        self.begins: dict[Flow, int] = {}

    def take(self, packet: Packet, now: float) -> list[Packet]:
        flow = (packet.sport, packet.dport)
        if packet.flags & SYN:
            self.begins[flow] = (packet.seq + 1) % MODULUS
            return [packet]
        if not packet.length or packet.flags & (RST | URG):
            return [packet]
        begin = self.begins.setdefault(flow, packet.seq)
        places = self.places(distance(begin, packet.seq), packet.length)
        self.hits += bool(places)
        return segments(packet, places) if places else [packet]

    def places(self, offset: int, length: int) -> list[int]:
        """Return where a payload is cut that begins at an offset of the stream."""
        found = {at - offset for at in self.at if 0 < at - offset < length}
        if self.each:
            # The next multiple behind the beginning; before the stream nothing is cut.
            first = max(self.each - offset % self.each, self.each - offset)
            found.update(range(first, length, self.each))
        return sorted(found)


class Join(Step):
    """Holds small segments for a time, and lets those that follow each other go on as one."""

    def __init__(self, ms: int) -> None:
        super().__init__()
        self.delay_s = ms / 1e3
        # When it goes on, and the segments so far.
        self.held: dict[Flow, tuple[float, list[Packet]]] = {}

    def take(self, packet: Packet, now: float) -> list[Packet]:
        flow = (packet.sport, packet.dport)
        if flow in self.held and is_held(self.held[flow][1], packet):
            return []  # It was sent again, for the first one is not acknowledged yet.
        until, parts = self.held.pop(flow, (now + self.delay_s, []))
        if not fits(parts, packet):
            # In the order in which they came: nothing overtakes what is held.
            before = self.joined(parts)
            if not fits([], packet):
                return [*before, packet]
            self.held[flow] = (now + self.delay_s, [packet])
            return before
        self.held[flow] = (until, [*parts, packet])
        return self.let_go(flow) if packet.flags & FIN else []

    def due(self, now: float) -> list[Packet]:
        ready = [flow for flow, (until, _parts) in self.held.items() if until <= now]
        return [packet for flow in ready for packet in self.let_go(flow)]

    def let_go(self, flow: Flow) -> list[Packet]:
        """Return what is held of a stream, as one."""
        return self.joined(self.held.pop(flow)[1])

    def joined(self, parts: list[Packet]) -> list[Packet]:
        """Return segments as one; the last has the newest acknowledgment, window and options."""
        if len(parts) < 2:
            return parts
        self.hits += len(parts)
        first, last = parts[0], parts[-1]
        data = bytearray(last.data[: len(last.data) - last.length])
        struct.pack_into("!I", data, last.offset + 4, first.seq)
        for part in parts:
            data += part.payload
        return [Packet(with_sums(bytes(data)))]

    def next_s(self) -> float | None:
        return min((until for until, _parts in self.held.values()), default=None)


def fits(parts: list[Packet], packet: Packet) -> bool:
    """Tell whether a segment can be joined to those that are held."""
    if not packet.length or packet.flags & (SYN | RST | URG):
        return False
    if not parts:
        return bool(packet.length < JOINED_BYTES and not packet.flags & FIN)
    length = sum(part.length for part in parts)
    follows = packet.seq == (parts[0].seq + length) % MODULUS
    return bool(follows and length + packet.length <= JOINED_BYTES)


def is_held(parts: list[Packet], packet: Packet) -> bool:
    """Tell whether all that a segment carries is held already."""
    offset = distance(parts[0].seq, packet.seq)
    length = sum(part.length for part in parts)
    ours = packet.length > 0 and not packet.flags & (SYN | RST | FIN)
    return bool(ours and offset >= 0 and offset + packet.length <= length)


def distance(begin: int, seq: int) -> int:
    """Return how far a sequence number is behind another; less than 0 if before it."""
    return (seq - begin + MODULUS // 2) % MODULUS - MODULUS // 2


KINDS: dict[str, Callable[..., Step]] = {
    "delay": Delay, "lose": Lose, "duplicate": Duplicate, "reorder": Reorder, "cut": Cut,
    "join": Join,
}  # fmt: skip


# --- Who passes on --------------------------------------------------------------------


class Relay:
    """Passes on the packets it is shown, through the steps of a specification.

    `send` takes a packet; `count` is told how many have been acted on.
    """

    def __init__(
        self, spec: Values, send: Callable[[Packet], object], count: Callable[[int], object]
    ) -> None:
        self.when = spec["when"]
        self.steps = [
            KINDS[step["do"]](**{key: value for key, value in step.items() if key != "do"})
            for step in spec["steps"]
        ]
        self.send = send
        self.count = count
        self.counted = 0

    def take(self, data: bytes, origin: Address, now: float) -> None:
        """Take a frame that came at the time `now`, with the hardware's header before it."""
        _name, _protocol, kind, hardware_type, _hardware_address = origin
        if kind != PACKET_HOST:
            return
        flags, _type, _length, size, _start, _offset = VNET_HEADER.unpack_from(data)
        packet = parse(data[VNET_HEADER.size + LINK_HEADERS.get(hardware_type, 0) :])
        if packet is None or not matches(self.when, packet):
            return
        sound = with_sums(packet.data) if flags & NEEDS_CHECKSUM else packet.data
        passed = one_hop_less(sound)
        if passed is not None:
            packet = Packet(passed)
            places = range(size, packet.length, size) if size else ()
            self.pass_on(segments(packet, places), 0, now)

    def pass_on(self, packets: list[Packet], step: int, now: float) -> None:
        """Let packets go through the steps from one on, and send what comes out."""
        if step < len(self.steps):
            for packet in packets:
                self.pass_on(self.steps[step].take(packet, now), step + 1, now)
            return
        self.tell()
        for packet in packets:
            self.send(packet)

    def send_due(self, now: float) -> None:
        """Send what was held until now."""
        for number, step in enumerate(self.steps, 1):
            self.pass_on(step.due(now), number, now)
        self.tell()

    def wait_s(self, now: float) -> float | None:
        """Return how long there is nothing to send; None while nothing is held."""
        times = [due for step in self.steps if (due := step.next_s()) is not None]
        return max(0.0, min(times) - now) if times else None

    def end(self) -> None:
        """Send all that is held: a path that ends loses nothing."""
        self.send_due(float("inf"))

    def tell(self) -> None:
        """Tell how many packets were acted on, before they are sent, if more are."""
        hits = min(step.hits for step in self.steps)
        if hits != self.counted:
            self.counted = hits
            self.count(hits)


class Sender:
    """Sends packets as they are, by the routes of this host; it takes none in."""

    def __init__(self, six: bool) -> None:
        self.family = socket.AF_INET6 if six else socket.AF_INET
        # IPPROTO_RAW: what is sent has its IP header (raw(7); in IPv6 too).
        self.sock = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, packet: Packet) -> None:
        """Send a packet, unless the kernel would not forward it."""
        try:
            self.sock.sendto(packet.data, (socket.inet_ntop(self.family, packet.dst), 0))
        except OSError as error:
            if error.errno not in NOT_FORWARDED:
                raise


def open_socket(spec: Values) -> socket.socket:
    """Return a socket from which on no packet that arrives at this host is missed.

    It sees them behind tc, which may drop them, and before the firewall.

    Raises: ProgramError.
    """
    protocol = ETH_P_IP if len(spec["when"]["src"]) == 4 else ETH_P_IPV6
    return detached.packet_socket(
        socket.SOCK_RAW, protocol, ((SOL_PACKET, PACKET_VNET_HDR, 1),)
    )  # fmt: skip


def begin(spec: Values, _sock: socket.socket, count: Callable[[int], object]) -> Relay:
    """Return a relay that sends by a socket of its own."""
    return Relay(spec, Sender(len(spec["when"]["src"]) == 16).send, count)


def main(arguments: list[str]) -> int:
    """Run the program and return its exit status."""
    program = detached.Program(
        "errnolab-relay", __doc__, read_spec, open_socket, begin, Relay.end
    )  # fmt: skip
    return detached.main(arguments, program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
