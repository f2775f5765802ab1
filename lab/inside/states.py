"""The TCP states of this host's connections over time, as its kernel tells them: sock_diag(7).

Which connections there are, the packets tell: every SYN that comes or goes. A dump of all
sockets would tell it too, but it walks the whole machine's table (175 us with 262144
buckets); a connection asked for by its two ends costs 4 us, so that it can be asked for
a thousand times a second. What changes a state is nearly always a segment with SYN, FIN or
RST, or its answer: after each of these they are asked for at once, and more often.

The kernel's news of destroyed sockets (SKNLGRP_INET_TCP_DESTROY) is of no use here: it
comes when a socket is freed, which may be long after its connection ended (a descriptor
is still open) or long before (it is in TIME-WAIT).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence

from lab.inside.calls import TCP_STATES

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, asm-generic/socket.h, linux/if_packet.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 0x001, 0x300
NLMSG_DONE = 3
NO_COOKIE = 0xFFFFFFFF
SO_ATTACH_FILTER = 26
SOL_PACKET, PACKET_STATISTICS = 263, 6
ETH_P_ALL = 3
OUTGOING = 4

PERIOD_S = 0.001
# After a SYN, FIN or RST: how often they are asked for, and for how long.
SOON_S, STIR_S = 0.0001, 0.002
# How long a connection is looked for that never comes to be (its SYN is dropped, or refused);
# a SYN that is sent again begins it anew.
HOPE_S = 5.0
# There is none any more: the RFC's name, for no socket is left to have a state.
CLOSED = "CLOSED"

# Local address and port, remote address and port, and the index of the interface.
Ends = tuple[str, int, str, int, int]
# (ns since the epoch, local address, local port, remote address, remote port, state)
Change = tuple[int, str, int, str, int, str]

# Classic BPF (linux/filter.h), from the network header on: TCP with SYN, FIN or RST.
FILTER = (
    (0x30, 0, 0, 0), (0x54, 0, 0, 0xF0),  # 0: the version
    (0x15, 0, 7, 0x40),  # 2: not 4? on to 10
    (0x30, 0, 0, 9), (0x15, 0, 11, socket.IPPROTO_TCP),  # 3
    (0x28, 0, 0, 6), (0x45, 9, 0, 0x1FFF),  # 5: no first fragment? to 16
    (0xB1, 0, 0, 0), (0x50, 0, 0, 13), (0x05, 0, 0, 4),  # 7: the flags, on to 14
    (0x15, 0, 5, 0x60),  # 10: not 6? to 16
    (0x30, 0, 0, 6), (0x15, 0, 3, socket.IPPROTO_TCP),  # 11
    (0x30, 0, 0, 53),  # 13: the flags
    (0x45, 0, 1, 0x07),  # 14: one of the three
    (0x06, 0, 0, 128),  # 15: take it
    (0x06, 0, 0, 0),  # 16: let it be
)  # fmt: skip


class Recorder(threading.Thread):
    """Notes each change of state of each TCP connection that begins, until stopped.

    Connections with `others` are left out: the bystander's, with a server.
    """

    def __init__(self, others: Sequence[str]) -> None:
        """Open the sockets: from here on no connection is missed."""
        super().__init__(daemon=True)
        self._begin(others, _Kernel())
        self.packets = _syns_fins_rsts()
        self.ending, self.end = os.pipe()

    def _begin(self, others: Sequence[str], kernel: _Kernel) -> None:
        self.others, self.kernel = set(others), kernel
        self.changes: list[Change] = []
        self.states: dict[Ends, str] = {}
        self.begun: dict[Ends, float] = {}
        self.failed: Exception | None = None
        self.looking = threading.Lock()

    def run(self) -> None:
        """Look again and again until told to end, and once more after that."""
        stirred = 0.0
        try:
            while True:
                wait_s = SOON_S if time.monotonic() - stirred < STIR_S else PERIOD_S
                ready, _, _ = select.select([self.packets.fileno(), self.ending], [], [], wait_s)
                if self.packets.fileno() in ready:
                    self._take()
                    stirred = time.monotonic()
                self.look()
                if ready == [self.ending]:
                    return
        except Exception as error:
            self.failed = error

    def look(self) -> None:
        """Ask for every connection, and note what changed."""
        with self.looking:
            now = time.monotonic()
            for ends in list(self.begun):
                self._look_at(ends, now)

    def _look_at(self, ends: Ends, now: float) -> None:
        at_ns, before = time.time_ns(), self.states.get(ends, "")
        # While a socket takes the place of another in the table (TIME-WAIT of an established
        # one), a reader may find neither: what is gone is gone twice.
        state = self.kernel.state(ends) or self.kernel.state(ends)
        if state and state != before:
            self.states[ends] = state
            self.changes.append((at_ns, *ends[:4], state))
        elif before and not state:
            del self.states[ends], self.begun[ends]
            self.changes.append((at_ns, *ends[:4], CLOSED))
        elif not state and now - self.begun[ends] > HOPE_S:
            del self.begun[ends]

    def _take(self) -> None:
        """Take the packets that are there; a SYN without ACK begins a connection."""
        while True:
            try:
                data, address = self.packets.recvfrom(128)
            except BlockingIOError:
                return
            interface, _protocol, kind, *_hardware = address
            source, target, flags = ends_of(data)
            if flags & 0x12 != 0x02 or interface == "lo" or self.others & {source[0], target[0]}:
                continue
            ours, theirs = (source, target) if kind == OUTGOING else (target, source)
            ends = (*ours, *theirs, socket.if_nametoindex(interface))
            with self.looking:
                self.begun[ends] = time.monotonic()

    def stop(self) -> list[Change]:
        """Return the changes.

        Raises: what ended the recorder before it was told to end; RuntimeError if it
        missed packets.
        """
        os.write(self.end, b".")
        self.join()
        statistics = self.packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        for thing in (self.packets, self.kernel):
            thing.close()
        os.close(self.ending)
        os.close(self.end)
        if self.failed:
            raise self.failed
        missed = struct.unpack("II", statistics)[1]
        if missed:
            raise RuntimeError(f"{missed} packets went by unseen")
        return self.changes


class _Kernel:
    """What answers for the state of a connection."""

    def __init__(self) -> None:
        """Open it. Raises: OSError if this kernel cannot tell (no inet_diag, no tcp_diag)."""
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        # Of no state at all, so that there is nothing to list: it says if anybody answers.
        answer = self._ask(socket.AF_INET, bytes(48), NLM_F_DUMP, states=0)
        if _kind_of(answer) != NLMSG_DONE or _error_of(answer) < 0:
            raise OSError(-_error_of(answer), "this kernel has no tcp_diag")

    def state(self, ends: Ends) -> str:
        """Return the state of a connection as `ss` writes it, "" if there is none."""
        local, local_port, remote, remote_port, interface = ends
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        packed = [socket.inet_pton(family, address) for address in (local, remote)]
        # struct inet_diag_sockid. An IPv4 connection of a socket of both families is found too.
        identity = struct.pack("!HH16s16s", local_port, remote_port, *packed)
        identity += struct.pack("=III", interface, NO_COOKIE, NO_COOKIE)
        answer = self._ask(family, identity, 0, states=0xFFFFFFFF)
        if _kind_of(answer) == SOCK_DIAG_BY_FAMILY:
            name = TCP_STATES[answer[17]]
            # Where there is no connection, the kernel finds who listens.
            return "" if name == "LISTEN" else name
        if _error_of(answer) != -errno.ENOENT:
            raise OSError(-_error_of(answer), f"sock_diag: {os.strerror(-_error_of(answer))}")
        return ""

    def _ask(self, family: int, identity: bytes, flags: int, states: int) -> bytes:
        """Send a struct inet_diag_req_v2 and return the first message of the answer."""
        request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, states) + identity
        header = struct.pack(
            "=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, 0, 0
        )
        self.socket.send(header + request)
        return self.socket.recv(1 << 16)

    def close(self) -> None:
        """Close it."""
        self.socket.close()


def _kind_of(message: bytes) -> int:
    return int(struct.unpack_from("=H", message, 4)[0])


def _error_of(message: bytes) -> int:
    return int(struct.unpack_from("=i", message, 16)[0])


def ends_of(data: bytes) -> tuple[tuple[str, int], tuple[str, int], int]:
    """Return (address, port) of source and target, and the flags, of a TCP packet."""
    if data[0] >> 4 == 6:
        family, addresses, segment = socket.AF_INET6, (data[8:24], data[24:40]), data[40:]
    else:
        family, addresses = socket.AF_INET, (data[12:16], data[16:20])
        segment = data[(data[0] & 15) * 4 :]
    ports = struct.unpack_from("!HH", segment)
    source, target = (
        (socket.inet_ntop(family, address), int(port)) for address, port in zip(addresses, ports)
    )
    return source, target, segment[13]


def _syns_fins_rsts() -> socket.socket:
    """Return a socket that gets TCP packets with SYN, FIN or RST, of every interface."""
    taps = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    attach(taps, FILTER)
    taps.setblocking(False)
    # What came before the filter was there.
    try:
        while True:
            taps.recv(1)
    except BlockingIOError:
        return taps


def attach(taps: socket.socket, steps: Sequence[tuple[int, int, int, int]]) -> None:
    """Let a socket get only what a classic BPF program takes."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    # struct sock_fprog
    where = struct.pack("@HL", len(steps), ctypes.addressof(program))
    taps.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, where)


_running: list[Recorder] = []


def states_start(others: Sequence[str]) -> None:
    """Note states from now on; when this returns no connection is missed."""
    while _running:  # Of a run that was cut short.
        with contextlib.suppress(Exception):
            _running.pop().stop()
    recorder = Recorder(others)
    recorder.start()
    _running.append(recorder)


def states_look() -> None:
    """Look at once, so that what is now is not missed however short it is."""
    for recorder in _running:
        try:
            recorder.look()
        except Exception as error:  # `states_stop` tells it.
            recorder.failed = error


def states_stop() -> list[Change]:
    """End the recorder; return what changed."""
    return _running.pop().stop()
