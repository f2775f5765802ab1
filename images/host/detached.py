"""The life of the programs that faults are made of: started, counted, stopped.

    errnolab-X start NAME JSON    returns when no packet can be missed any more
    errnolab-X stop NAME          returns when it is gone; so too if it was not there
    errnolab-X hits NAME          prints how many packets (or connections) it has acted on

In RUN, NAME.pid is there while it runs; NAME.hits and NAME.log stay. Exit status:
0 done, 1 it could not be done, 2 bad argument.

Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import sys
from time import monotonic, sleep

from spec import BadArgument, ProgramError

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    from packets import Address

    class Worker(Protocol):
        """What is done with the packets that come."""

        def take(self, data: bytes, origin: Address, now: float) -> None:
            """Look at a packet that came at the time `now`."""

        def send_due(self, now: float) -> None:
            """Send what it is time for."""

        def wait_s(self, now: float) -> float | None:
            """Return how long there is nothing to send; None while nothing is waiting."""


RUN = "/run/errnolab"

# linux/if_packet.h, asm-generic/socket.h
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 8 << 20

ANY_PACKET = (1 << 16) + 64  # and its headers below IP
END_S = 1.0  # that a program has to send what it holds
TURN = 64  # packets that are taken before what is due is sent, if so many wait
ERRORS_LOGGED = 100  # /run is small and a flow may be long


class Program:
    """A program: its name and help, and how it begins.

    `worker` takes a specification, the socket and who is told the count of hits. With
    `end` it is not killed but told to end, and `end` puts the worker in order. `loop`
    lets the worker work, where that is not to take the packets of the socket (`serve`).
    """

    def __init__(
        self, name: str, text: str | None, read_spec: Callable[[str], Any],
        open_socket: Callable[[Any], socket.socket],
        worker: Callable[[Any, socket.socket, Callable[[int], object]], Any],
        end: Callable[[Any], object] | None = None,
        loop: Callable[[socket.socket, Any, int], None] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.text = text
        self.read_spec = read_spec
        self.open_socket = open_socket
        self.worker = worker
        self.end = end
        self.loop = loop or serve


def packet_socket(
    kind: int, protocol: int, options: tuple[tuple[int, int, int], ...] = ()
) -> socket.socket:
    """Return a packet socket with much room, which takes no packet that this host sends.

    Raises: ProgramError.
    """
    try:
        sock = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
        for level, option, value in options:
            sock.setsockopt(level, option, value)
    except OSError as error:
        from meanings import explain  # noqa: PLC0415 - 10 ms that only this case must pay

        raise ProgramError(f"cannot open a packet socket: {explain(error)}") from error
    for level, option, value in (
        (SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),  # Linux 4.20; spares us waking for our own
        (socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES),
    ):
        try:
            sock.setsockopt(level, option, value)
        except OSError:
            continue  # It is as good without, but for speed and room.
    return sock


def serve(sock: socket.socket, worker: Worker, asked: int = -1) -> None:
    """Handle packets until `asked`, a descriptor, can be read and none is left; -1: for ever.

    What goes wrong with a packet is logged and does not end it.
    """
    errors = 0
    sources: list[Any] = [sock, *([asked] if asked >= 0 else [])]
    while True:
        try:
            ready = select.select(sources, [], [], worker.wait_s(monotonic()))[0]
            if sock in ready:
                take_waiting(sock, worker)
            worker.send_due(monotonic())
            if asked in ready and sock not in ready:
                return
        except Exception:
            errors += 1
            if errors <= ERRORS_LOGGED:
                sys.excepthook(*sys.exc_info())


def take_waiting(sock: socket.socket, worker: Worker) -> None:
    """Let the worker take what has come: on a busy machine, before what is due since then."""
    for _ in range(TURN):
        data, origin = sock.recvfrom(ANY_PACKET)
        worker.take(data, origin, monotonic())
        if not select.select([sock], [], [], 0)[0]:
            return


# --- Started, counted, stopped --------------------------------------------------------


class State:
    """What is kept on a program of a name in RUN.

    The hits are locked by whoever starts it and then by itself, as long as it lives: so
    nobody can be taken for it, and its end can be waited for. That file is never removed,
    or two could hold the lock on two files of one name.
    """

    def __init__(self, name: str) -> None:
        """Name the files.

        Raises: BadArgument if the name could lead elsewhere.
        """
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise BadArgument(f"NAME {name!r} must be of letters, digits, '-' and '_'")
        self.name = name
        self.pid = f"{RUN}/{name}.pid"
        self.hits = f"{RUN}/{name}.hits"
        self.log = f"{RUN}/{name}.log"

    def open_hits(self, flags: int = 0) -> int:
        """Open the count of hits and return its file descriptor."""
        return os.open(self.hits, os.O_RDWR | os.O_CLOEXEC | flags, 0o644)

    def read_pid(self) -> int:
        """Return the process that the pid file names.

        Raises: OSError, ValueError.
        """
        return int(read_file(self.pid))


def create(path: str) -> int:
    """Make or empty a file and return its file descriptor; pathlib would cost 6 ms."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)


def read_file(path: str) -> bytes:
    """Return what a small file holds."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def take_lock(hits: int) -> bool:
    """Take the lock, unless a program lives; tell whether that worked."""
    try:
        fcntl.flock(hits, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_hits(hits: int, number: int) -> None:
    """Put the number in place in one call: whoever reads sees the old or the new one."""
    os.pwrite(hits, b"%10d\n" % number, 0)


def start(program: Program, name: str, source: str) -> None:
    """Start a program; return when no packet can be missed any more.

    Raises: ProgramError.
    """
    spec = program.read_spec(source)
    state = State(name)
    hits = state.open_hits(os.O_CREAT)
    if not take_lock(hits):
        raise ProgramError(f"{name} is running; {program.name} stop {name} ends it")
    refuse_taken(state)
    with program.open_socket(spec) as sock:
        write_hits(hits, 0)
        ready, tell = os.pipe()
        worker = program.worker(spec, sock, lambda number: write_hits(hits, number))
        if os.fork() == 0:
            run_detached(program, state, tell, sock, worker)
    os.close(tell)
    if not os.read(ready, 1):
        raise ProgramError(f"{name} did not start: {read_file(state.log).decode().strip()}")


def refuse_taken(state: State) -> None:
    """Refuse a name that something else, such as a service, runs under.

    Raises: ProgramError.
    """
    try:
        pid = state.read_pid()
        os.kill(pid, 0)
    except (OSError, ValueError):
        return
    raise ProgramError(f"{state.pid} is of process {pid}, which is none of ours")


def run_detached(
    program: Program, state: State, tell: int, sock: socket.socket, worker: Any
) -> NoReturn:
    """Be the program: in a session of its own, holding nothing of whoever started us."""
    try:
        os.setsid()
        asked = hear_of_end() if program.end else -1
        if asked < 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null, log = os.open(os.devnull, os.O_RDONLY), create(state.log)
        for inherited, ours in ((0, null), (1, log), (2, log)):
            os.dup2(ours, inherited)
        os.write(create(state.pid), b"%d\n" % os.getpid())
        os.write(tell, b".")
        os.close(tell)
        program.loop(sock, worker, asked)
        if program.end:
            program.end(worker)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def hear_of_end() -> int:
    """Return a descriptor that can be read once SIGTERM came; nothing is cut off by it."""
    asked, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return asked


def stop(program: Program, name: str) -> None:
    """End a program, if there is one, and return when it is gone.

    Raises: ProgramError.
    """
    state = State(name)
    try:
        hits = state.open_hits()
    except FileNotFoundError:
        return
    if take_lock(hits):
        return
    try:
        pid = state.read_pid()
        deadline = monotonic() + (END_S if program.end else 0.0)
        if program.end:
            os.kill(pid, signal.SIGTERM)
        while not (gone := take_lock(hits)) and monotonic() < deadline:
            sleep(0.001)
        if not gone:
            # SIGTERM would not end one that is stopped.
            os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError) as error:
        raise ProgramError(f"{name} is running, but {state.pid} does not say as what") from error
    fcntl.flock(hits, fcntl.LOCK_EX)
    os.unlink(state.pid)  # noqa: PTH108 - pathlib costs 6 ms


def print_hits(_program: Program, name: str) -> None:
    """Print how many packets, or connections, a program has acted on.

    Raises: ProgramError.
    """
    try:
        count = os.pread(State(name).open_hits(), 32, 0)
    except FileNotFoundError as error:
        raise ProgramError(f"no {name} was ever started here") from error
    print(int(count))


def main(arguments: list[str], program: Program) -> int:
    """Run a program and return its exit status."""
    if arguments[:1] in (["-h"], ["--help"]):
        print((program.text or "").strip())
        return 0
    action, *rest = arguments or [""]
    try:
        if (action, len(rest)) not in ACTIONS:
            raise BadArgument("use start NAME JSON, stop NAME or hits NAME; see --help")
        ACTIONS[action, len(rest)](program, *rest)
    except ProgramError as error:
        print(f"{program.name}: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        from meanings import explain  # noqa: PLC0415 - 10 ms that only this case must pay

        print(f"{program.name}: {error.filename or action}: {explain(error)}", file=sys.stderr)
        return ProgramError.status
    return 0


ACTIONS: dict[tuple[str, int], Callable[..., None]] = {
    ("start", 2): start, ("stop", 1): stop, ("hits", 1): print_hits
}  # fmt: skip
