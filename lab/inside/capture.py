"""Packet capture in this host, with AF_PACKET: ready when it returns, complete when it ends."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time

# linux/if_packet.h, linux/if_ether.h, asm-generic/socket.h
SOL_PACKET, PACKET_STATISTICS = 263, 6
ETH_P_ALL = 3
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
BUFFER_BYTES = 32 << 20
LOOK_EVERY_S = 0.0005

# (ns since the epoch, interface index and name, protocol, kind, hardware type and
# address, the packet from its network header on)
Captured = tuple[int, int, str, int, int, int, bytes, bytes]

_running: list[Capture] = []


class Capture(threading.Thread):
    """All packets of this host, on every interface but loopback, with the kernel's time."""

    def __init__(self) -> None:
        """Open the socket: from here on no packet is missed."""
        super().__init__(daemon=True)
        self.packets: list[Captured] = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.index = {name: number for number, name in socket.if_nameindex()}
        self.ending, self.end = os.pipe()
        self.failed: Exception | None = None
        self.taking = threading.Lock()

    def run(self) -> None:
        """Take packets until told to end and none is left."""
        wait = select.poll()
        wait.register(self.socket, select.POLLIN)
        wait.register(self.ending, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in wait.poll()}
                if self.socket.fileno() in ready:
                    self._take()
                elif self.ending in ready:
                    return
        except Exception as error:
            self.failed = error

    def _take(self) -> None:
        with self.taking:
            self._take_one()

    def _take_one(self) -> None:
        data, ancillary, _flags, address = self.socket.recvmsg(1 << 18, 64)
        interface, protocol, kind, hardware_type, hardware_address = address
        if interface == "lo":
            return
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
        self.packets.append(
            (seconds * 1_000_000_000 + nanoseconds, self.index.get(interface, 0), interface,
             protocol, kind, hardware_type, hardware_address, data)
        )  # fmt: skip

    def look(self) -> list[Captured]:
        """Return the packets that came until now, and go on. Raises: as `stop`."""
        while not self.failed:
            with self.taking:
                if not select.select([self.socket], [], [], 0)[0]:
                    return list(self.packets)
            time.sleep(LOOK_EVERY_S)
        raise self.failed

    def stop(self) -> tuple[list[Captured], int]:
        """Return the packets and how many the kernel could not give us.

        Raises: what ended the capture before it was told to end.
        """
        os.write(self.end, b".")
        self.join()
        if self.failed:
            raise self.failed
        statistics = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self.socket.close()
        os.close(self.ending)
        os.close(self.end)
        return self.packets, struct.unpack("II", statistics)[1]


def capture_start() -> None:
    """Capture from now on; when this returns no packet is missed."""
    capture = Capture()
    capture.start()
    _running.append(capture)


def capture_look() -> list[Captured]:
    """Return the packets of the capture that was started last, and go on."""
    return _running[-1].look()


def capture_stop() -> tuple[list[Captured], int]:
    """Return (packets, number of packets lost) and end the capture."""
    return _running.pop().stop() if _running else ([], 0)
