"""What strace wrote of real programs is read as what they got; `traces/` holds its text.

The traces are as strace 6.1 wrote them, without the calls on files. They come of a lab's
client (198.18.18.10 and 2001:db8:2:2::10 are its server) and of servers on the loopback.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import trace
from lab.inside import tracing

TRACES = {path.stem: path.read_text() for path in sorted(Path(__file__).parent.glob("traces/*"))}
SIX, FOUR = ("ipv6", "2001:db8:2:2::10", 16555), ("ipv4", "198.18.18.10", 16555)
# The loopback's ports: 45001 resets at once, 45002 resets after it read, 45003 is silent,
# 45004 closes, 45005 drops the SYN, and on the others nobody listens.
RESETS, READS, SILENT, CLOSES, DROPS, NONE, OTHER = (
    ("ipv4", "127.0.0.1", port) for port in (45001, 45002, 45003, 45004, 45005, 45999, 45998)
)
REFUSED, ASKED = "ECONNREFUSED", "connect (SO_ERROR)"

# Trace to (status, [(call, errno, times, end)], [(end, protocol, how it ended)]).
SEEN = {
    "busybox-refused": (None, [("connect", REFUSED, 1, ("ipv4", "198.18.18.10", 9))],
                        [(("ipv4", "198.18.18.10", 9), "tcp", REFUSED)]),
    "curl-given-up": (28, [], [(FOUR, "tcp", "pending")]),
    "curl-one-family-unreachable": (1, [], [(SIX, "tcp", "")]),
    "curl-refused": (7, [(ASKED, REFUSED, 1, SIX), (ASKED, REFUSED, 1, FOUR)],
                     [(SIX, "tcp", REFUSED), (FOUR, "tcp", REFUSED)]),
    "go-refused": (1, [(ASKED, REFUSED, 2, NONE)], [(NONE, "tcp", REFUSED)] * 2),
    "java-httpclient-refused": (1, [(ASKED, REFUSED, 2, NONE)], [(NONE, "tcp", REFUSED)] * 2),
    "java-refused": (0, [(ASKED, REFUSED, 1, NONE)], [(NONE, "tcp", REFUSED)]),
    "node-reset-in-connect": (1, [(ASKED, "ECONNRESET", 1, RESETS)],
                              [(RESETS, "tcp", "ECONNRESET")]),
    "perl-refused": (111, [("connect", REFUSED, 1, NONE)], [(NONE, "tcp", REFUSED)]),
    "psql-refused": (2, [(ASKED, REFUSED, 1, NONE)], [(NONE, "tcp", REFUSED)]),
    "python-receive-time-out": (0, [("recvfrom", "EAGAIN", 1, SILENT),
                                    ("connect", "EINPROGRESS", 1, DROPS)],
                                [(SILENT, "tcp", ""), (DROPS, "tcp", "EINPROGRESS")]),
    "python-refused": (1, [("connect", REFUSED, 1, SIX), ("connect", REFUSED, 1, FOUR)],
                       [(SIX, "tcp", REFUSED), (FOUR, "tcp", REFUSED)]),
    "python-reset": (1, [("recvfrom", "ECONNRESET", 1, FOUR)], [(FOUR, "tcp", "")]),
    "python-sigpipe": (-13, [("write", "EPIPE", 1, CLOSES)], [(CLOSES, "tcp", "")]),
    "python-timed-out": (1, [("connect", "ETIMEDOUT", 1, FOUR)], [(FOUR, "tcp", "ETIMEDOUT")]),
    "python-udp": (0, [("recvfrom", REFUSED, 1, NONE)],
                   [(NONE, "udp", REFUSED), (OTHER, "udp", "pending")]),
    "ssh-reset": (255, [("read", "ECONNRESET", 1, READS)], [(READS, "tcp", "")]),
    "wget-given-up": (4, [], [(DROPS, "tcp", "pending")]),
}  # fmt: skip


def test_each_trace_is_spoken_of() -> None:
    assert set(SEEN) == set(TRACES)


@pytest.mark.parametrize("name", SEEN)
def test_what_a_real_program_got_and_tried_is_read(name: str) -> None:
    status, got, tried = SEEN[name]
    read = trace.parse(TRACES[name])
    assert (read.status, read.started, read.lost) == (status, True, 0)
    assert [(g.call, g.errno_name, g.times, (g.family, g.address, g.port))
            for g in trace.errnos(read)] == got  # fmt: skip
    assert [((a.family, a.address, a.port), a.proto, a.ended) for a in trace.tried(read)] == tried


def test_times_are_since_the_program_began() -> None:
    read = trace.parse(TRACES["python-timed-out"])
    (got,), (attempt,) = trace.errnos(read), trace.tried(read)
    assert (attempt.t_ms, got.t_ms, got.waited_ms) == (26.423, 7146.575, 7120.152)
    assert got.number == 110


def test_a_time_waited_is_counted_from_connect_to_the_answer_for_its_error() -> None:
    (got, _) = trace.errnos(trace.parse(TRACES["curl-refused"]))
    assert (got.t_ms, got.waited_ms) == (28.172, 0.156)


def test_the_summary_is_json() -> None:
    read = trace.parse(TRACES["curl-given-up"])
    assert json.loads(json.dumps(trace.summary(read))) == {
        "started": True, "status": 28, "errnos": [], "hidden": False, "lost": 0,
        "tried": [{"t_ms": 9.811, "family": "ipv4", "address": "198.18.18.10", "port": 16555,
                   "proto": "tcp", "ended": "pending"}],
    }  # fmt: skip
    (errno,) = trace.summary(trace.parse(TRACES["python-reset"]))["errnos"]
    assert (errno["errno"], errno["errno_name"], errno["call"]) == (104, "ECONNRESET", "recvfrom")


def made_of(*calls: str) -> trace.Trace:
    """Return the trace of one process that makes calls, one each second."""
    begun = 'execve("/p", ["p"], 0x7ffd /* 5 vars */) = 0 <0.000001>'
    return trace.parse("".join(f"9     {n}.000000 {c}\n" for n, c in enumerate((begun, *calls))))


TCP4 = "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<socket:[1]> <0.000009>"
UDP4 = "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 4<socket:[2]> <0.000009>"
TO_FOUR = '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("198.18.2.10")}, 16'
CONNECT = f"connect(3<socket:[1]>, {TO_FOUR})"
CONNECTED = f"{CONNECT} = 0 <0.000100>"
UNDER_WAY = f"{CONNECT} = -1 EINPROGRESS (Operation now in progress) <0.000010>"
UNREACHABLE = f"connect(4<socket:[2]>, {TO_FOUR}) = -1 ENETUNREACH (Network is unreachable)"
LOOK = "= -1 EAGAIN (Resource temporarily unavailable) <0.000010>"


def got(read: trace.Trace) -> list[tuple[str, str, int]]:
    return [(one.call, one.errno_name, one.times) for one in trace.errnos(read)]


def ended(read: trace.Trace) -> list[str]:
    return [one.ended for one in trace.tried(read)]


@pytest.mark.parametrize(
    "call",
    [
        "getpeername(3<socket:[1]>, 0x7f, [16]) = -1 ENOTCONN (Transport endpoint is not ...)",
        "shutdown(3<socket:[1]>, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)",
        "setsockopt(3<socket:[1]>, SOL_TCP, TCP_ULP, [7564404], 4) = -1 ENOPROTOOPT (Not ...)",
        f"recvfrom(3<socket:[1]>, 0x7f, 5, 0, NULL, NULL) {LOOK}",
        "recvfrom(3<socket:[1]>, 0x7f, 5, 0, NULL, NULL) = -1 EINTR (Interrupted) <1.000000>",
        "recvfrom(3<socket:[1]>, 0x7f, 5, 0, NULL, NULL) = ? ERESTARTSYS (To be restarted)",
        f"{CONNECT} = -1 EISCONN (Transport endpoint is already connected) <0.000010>",
        f"{CONNECT} = -1 EALREADY (Operation already in progress) <0.000010>",
        "getsockname(0</dev/null>, 0x7f, [28]) = -1 ENOTSOCK (Socket operation on non-socket)",
        "read(0</dev/tty>, 0x7f, 5) = -1 EIO (Input/output error)",
        "write(1<pipe:[7]>, 0x7f, 5) = -1 EPIPE (Broken pipe)",
        "write(1<socket:[99]>, 0x7f, 5) = -1 EPIPE (Broken pipe)",
        "socket(AF_INET6, SOCK_STREAM, IPPROTO_IP) = -1 EAFNOSUPPORT (Address family not ...)",
        'bind(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr('
        '"127.0.0.1")}, 16) = -1 EADDRNOTAVAIL (Cannot assign requested address)',
        "sendfile(3<socket:[1]>, 5</f>, NULL, 9) = -1 EINVAL (Invalid argument)",
    ],
)  # fmt: skip
def test_what_is_no_failure_of_the_network_is_left_out(call: str) -> None:
    assert got(made_of(TCP4, call)) == []


@pytest.mark.parametrize(
    ("call", "name", "errno"),
    [
        (f"{CONNECT} = -1 EACCES (Permission denied)", "connect", "EACCES"),
        ('sendto(3<socket:[1]>, "x", 1, 0, NULL, 0) = -1 EPIPE (Broken pipe)', "sendto", "EPIPE"),
        ('write(3<socket:[1]>, "x", 1) = -1 ETIMEDOUT (Connection timed out)', "write",
         "ETIMEDOUT"),
        ("accept4(3<socket:[1]>, NULL, NULL, 0) = -1 EMFILE (Too many)", "accept4", "EMFILE"),
        ("socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = -1 EMFILE (Too many)", "socket", "EMFILE"),
        ('bind(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr('
         '"0.0.0.0")}, 16) = -1 EADDRINUSE (Address already in use)', "bind", "EADDRINUSE"),
        ("read(7<socket:[77]>, 0x7f, 9) = -1 ECONNRESET (Connection reset by peer)", "read",
         "ECONNRESET"),
    ],
)  # fmt: skip
def test_what_the_network_did_counts(call: str, name: str, errno: str) -> None:
    assert got(made_of(TCP4, call)) == [(name, errno, 1)]


def test_the_same_failure_again_is_counted_and_another_is_not() -> None:
    refused = f"{CONNECT} = -1 ECONNREFUSED (Connection refused)"
    timed_out = f"{CONNECT} = -1 ETIMEDOUT (Connection timed out)"
    read = made_of(TCP4, refused, refused, timed_out, refused)
    assert got(read) == [("connect", REFUSED, 2), ("connect", "ETIMEDOUT", 1),
                         ("connect", REFUSED, 1)]  # fmt: skip
    assert trace.errnos(read)[0].t_ms == 2000
    assert ended(read) == [REFUSED, REFUSED, "ETIMEDOUT", REFUSED]


@pytest.mark.parametrize(
    ("call", "how"),
    [
        ("getsockopt(3<socket:[1]>, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", ""),
        ("getsockopt(3<socket:[1]>, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0", "ETIMEDOUT"),
        (f"getpeername(3<socket:[1]>, {TO_FOUR}) = 0", ""),
        (f"{CONNECT} = -1 EISCONN (Transport endpoint is already connected)", ""),
        (f"{CONNECT} = 0", ""),
        (f"{CONNECT} = -1 ECONNREFUSED (Connection refused)", REFUSED),
        (f"{CONNECT} = -1 EALREADY (Operation already in progress)", "pending"),
        ('write(3<socket:[1]>, "x", 1) = 1', ""),
        ('write(3<socket:[1]>, "x", 1) = -1 EHOSTUNREACH (No route to host)', "EHOSTUNREACH"),
        (f'read(3<socket:[1]>, "", 1) {LOOK}', "pending"),
        ("read(3<socket:[1]>, 0x7f, 1) = ? ERESTARTSYS (To be restarted)", "pending"),
        ("shutdown(3<socket:[1]>, SHUT_WR) = 0", "pending"),
    ],
)
def test_an_attempt_under_way_ends_with_what_the_program_learns(call: str, how: str) -> None:
    assert ended(made_of(TCP4, UNDER_WAY, call)) == [how]


def test_an_error_of_a_connection_that_stood_is_not_one_of_its_attempt() -> None:
    read = made_of(
        TCP4, CONNECTED, "getsockopt(3<socket:[1]>, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0"
    )
    assert (got(read), ended(read)) == ([("getsockopt (SO_ERROR)", "ECONNRESET", 1)], [""])


def test_a_look_at_an_empty_queue_is_no_time_out_though_one_is_set() -> None:
    option = r'setsockopt(3<socket:[1]>, SOL_SOCKET, SO_RCVTIMEO_OLD, "\1\0\0\0\0\0\0\0", 16) = 0'
    none = option.replace(r"\1", r"\0")
    look = f"recvfrom(3<socket:[1]>, 0x7f, 5, MSG_DONTWAIT, NULL, NULL) {LOOK}"
    waits = look.replace("0.000010", "1.002000")
    assert got(made_of(TCP4, CONNECTED, option, look)) == []
    assert got(made_of(TCP4, CONNECTED, option, waits)) == [("recvfrom", "EAGAIN", 1)]
    assert got(made_of(TCP4, CONNECTED, option, none, waits)) == []
    assert got(made_of(TCP4, CONNECTED, waits)) == []


def test_a_datagram_that_is_answered_ended_well_even_after_a_failure() -> None:
    sent = f'sendto(4<socket:[2]>, "x", 1, 0, {TO_FOUR}) = 1'
    refused = "recvfrom(4<socket:[2]>, 0x7f, 9, 0, NULL, NULL) = -1 ECONNREFUSED (Connection ...)"
    other = f'recvfrom(4<socket:[2]>, "y", 9, 0, {TO_FOUR.replace("2.10", "2.11")}) = 1'
    answer = f'recvfrom(4<socket:[2]>, "y", 9, 0, {TO_FOUR}) = 1'
    assert ended(made_of(UDP4, sent)) == ["pending"]
    assert ended(made_of(UDP4, sent, other)) == ["pending"]
    assert ended(made_of(UDP4, sent, sent, refused)) == [REFUSED]
    assert ended(made_of(UDP4, sent, refused, sent, answer)) == [""]


def test_a_connected_socket_for_datagrams_is_an_attempt_once_it_sends() -> None:
    connected = f"connect(4<socket:[2]>, {TO_FOUR}) = 0"
    assert ended(made_of(UDP4, connected)) == []
    (one,) = trace.tried(made_of(UDP4, connected, 'send(4<socket:[2]>, "x", 1, 0) = 1'))
    assert (one.proto, one.ended, one.t_ms) == ("udp", "pending", 3000)


def test_a_probe_of_the_name_service_counts_only_if_nothing_follows_it() -> None:
    assert got(made_of(UDP4, UNREACHABLE, TCP4, CONNECTED)) == []
    assert ended(made_of(UDP4, UNREACHABLE, TCP4, CONNECTED)) == [""]
    assert got(made_of(UDP4, UNREACHABLE, UNREACHABLE)) == [("connect", "ENETUNREACH", 2)]
    assert ended(made_of(UDP4, UNREACHABLE)) == ["ENETUNREACH"]


@pytest.mark.parametrize("name_server", ["127.0.0.11", "127.0.0.1"])
def test_a_question_for_a_name_is_no_attempt(name_server: str) -> None:
    to = TO_FOUR.replace("198.18.2.10", name_server).replace("(80)", "(53)")
    refused = "recvfrom(4<socket:[2]>, 0x7f, 9, 0, NULL, NULL) = -1 ECONNREFUSED (Connection ...)"
    for asked in ([f"connect(4<socket:[2]>, {to}) = 0", 'send(4<socket:[2]>, "x", 1, 0) = 1'],
                  [f'sendto(4<socket:[2]>, "x", 1, 0, {to}) = 1']):  # fmt: skip
        read = made_of(UDP4, *asked, refused)
        assert (got(read), ended(read)) == ([], [])


def test_data_in_the_syn_is_an_attempt() -> None:
    """TCP fast open: sendto() connects."""
    fast = (
        f'sendto(3<socket:[1]>, "x", 1, MSG_FASTOPEN, {TO_FOUR}) = -1 EINPROGRESS (Operation ...)'
    )
    error = "getsockopt(3<socket:[1]>, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0"
    assert got(made_of(TCP4, fast, error)) == [("connect (SO_ERROR)", REFUSED, 1)]
    assert ended(made_of(TCP4, fast, error)) == [REFUSED]


def test_a_socket_that_was_accepted_has_the_end_that_connected_to_it() -> None:
    accepted = f"accept4(3<socket:[1]>, {TO_FOUR.replace(', 16', ', [16]')}, 0) = 5<socket:[8]>"
    (one,) = trace.errnos(made_of(
        TCP4, accepted, "read(5<socket:[8]>, 0x7f, 9) = -1 ECONNRESET (Connection reset by peer)"
    ))  # fmt: skip
    assert (one.family, one.address, one.port, one.proto) == ("ipv4", "198.18.2.10", 80, "tcp")


def test_a_scope_belongs_to_its_address() -> None:
    (call,) = made_of(
        "connect(3<socket:[1]>, {sa_family=AF_INET6, sin6_port=htons(80), "
        'sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "fe80::1", &sin6_addr), '
        'sin6_scope_id=if_nametoindex("eth0")}, 28) = -1 EHOSTUNREACH (No route to host)'
    ).calls[1:]
    assert (call.family, call.address, call.port) == ("ipv6", "fe80::1%eth0", 80)


def test_what_a_program_sends_is_not_read_as_its_result() -> None:
    sent = r'sendto(3<socket:[1]>, "x) = -1 ECONNREFUSED (Conn", 23, 0, NULL, 0) = 23 <0.000100>'
    (call,) = made_of(sent).calls[1:]
    assert (call.value, call.errno_name, call.took_s) == (23, "", 0.0001)


TWO_THREADS = f"""\
9     1.000000 execve("/p", ["p"], 0x7ffd /* 5 vars */) = 0
9     2.000000 {TCP4}
9     3.000000 {CONNECT[:-1]} <unfinished ...>
10    3.500000 write(1<pipe:[7]>, "x", 1) = 1
10    3.600000 --- SIGALRM {{si_signo=SIGALRM, si_code=SI_KERNEL}} ---
10    3.700000 +++ exited with 0 +++
9     4.000000 <... connect resumed>) = -1 ETIMEDOUT (Connection timed out)
9     5.000000 +++ exited with 3 +++
"""


def test_a_call_in_two_lines_is_one() -> None:
    read = trace.parse(TWO_THREADS)
    (one,) = trace.errnos(read)
    assert (one.errno_name, one.t_ms, one.waited_ms) == ("ETIMEDOUT", 3000, 1000)
    assert (one.address, read.status, read.lost) == ("198.18.2.10", 3, 0)


@pytest.mark.parametrize(
    "died",
    [f"{CONNECT[:-1]} <unfinished ...>", f"{CONNECT[:-1]} <unfinished ...>) = ?",
     f"{CONNECT} = ? <unavailable>", f"{CONNECT} = ? ERESTARTSYS (To be restarted)"],
)  # fmt: skip
@pytest.mark.parametrize("core", ["", " (core dumped)"])
def test_a_call_in_which_the_program_dies_never_ended(died: str, core: str) -> None:
    read = made_of(TCP4, died, f"+++ killed by SIGSEGV{core} +++")
    assert (got(read), ended(read), read.status, read.lost) == ([], ["pending"], -11, 0)


def test_a_restarted_call_is_the_same_attempt() -> None:
    again = f"{CONNECT} = ? ERESTARTSYS (To be restarted if SA_RESTART is set)"
    read = made_of(TCP4, again, "--- SIGALRM {si_signo=SIGALRM} ---", CONNECTED)
    assert ended(read) == [""]


def test_halves_on_both_sides_of_a_cut_are_not_put_together() -> None:
    text = TWO_THREADS.replace('10    3.500000 write(1<pipe:[7]>, "x", 1) = 1\n', "[cut]\n")
    read = trace.parse(text)
    assert (trace.errnos(read), ended(read), read.lost) == ([], ["pending"], 2)


@pytest.mark.parametrize(
    "text",
    ["", '9 1.000000 execve("./x", ["./x"], 0x7 /* 35 vars */) = -1 EACCES (Permission denied)\n'
         "9 1.000000 +++ exited with 1 +++\n"],
)  # fmt: skip
def test_a_command_that_could_not_be_started_was_not_started(text: str) -> None:
    read = trace.parse(text)
    assert not read.started
    assert (trace.errnos(read), trace.tried(read)) == ([], [])


def test_a_ring_hides_calls() -> None:
    assert made_of("io_uring_setup(64, {flags=0}) = 5<anon_inode:[io_uring]>").hidden
    assert not made_of("io_uring_setup(64, 0x7f) = -1 ENOSYS (Function not implemented)").hidden


@given(st.sampled_from(sorted(TRACES)), st.floats(0, 1), st.floats(0, 1))
def test_a_trace_cut_anywhere_is_read_and_makes_nothing_up(
    name: str, first: float, second: float
) -> None:
    text = TRACES[name]
    whole = trace.parse(text)
    real = {call.errno_name for call in whole.calls} | {g.errno_name for g in trace.errnos(whole)}
    end, begin = sorted((int(first * len(text)), int(second * len(text))))
    for cut in (text[:end], f"{text[:end]}\n[cut]\n{text[begin:]}"):
        read = trace.parse(cut)
        assert json.dumps(trace.summary(read))
        assert {g.errno_name for g in trace.errnos(read)} <= real
        assert len(trace.tried(read)) <= len(trace.tried(whole))


def test_an_errno_that_was_cut_off_is_not_another_errno() -> None:
    for end in ("-", "-1 EC", "-1 ECONNREF", "-1 ECONNREFUSED", "-1 ECONNREFUSED (Conn"):
        assert got(made_of(TCP4, f"{CONNECT} = {end}")) == []


@given(st.text(alphabet='0123456789 .<>()=?-+[]{}":,\\nESOCKTconet_AF', max_size=200))
def test_any_text_is_read(text: str) -> None:
    trace.summary(trace.parse(text))


# --- the tracer ----------------------------------------------------------------


def written(text: str) -> list[bytes]:
    return text.encode().splitlines(keepends=True)


def test_what_was_read_and_written_elsewhere_than_on_sockets_is_left_out() -> None:
    text = (
        "9     1.0 read(3</f>, <unfinished ...>\n"
        "10    1.1 read(4<socket:[1]>, <unfinished ...>\n"
        '9     1.2 <... read resumed>"x", 5) = 1\n'
        '10    1.3 <... read resumed>"x", 5) = 1\n'
        '9     1.4 writev(1, [{iov_base="x", iov_len=1}], 1) = -1 EBADF (Bad file descriptor)\n'
        '9     1.5 write(4<socket:[1]>, "x", 1) = 1\n'
        "9     1.6 +++ exited with 0 +++\n"
    )
    kept = tracing.essence(written(text)).splitlines()
    assert [line.split()[1] for line in kept] == ["1.1", "1.3", "1.5", "1.6"]


def test_of_a_long_trace_the_beginning_and_the_end_are_kept() -> None:
    lines = [b"%d 1.0 socket() = 0\n" % n for n in range(1000)]
    text = tracing.essence(lines, limit=400)
    first, last = text.split("[cut]\n")
    assert len(first) <= 200 and len(last) <= 200
    assert first.encode().splitlines(keepends=True) == lines[: first.count("\n")]
    assert last.encode().splitlines(keepends=True) == lines[-last.count("\n") :]
    assert min(first.count("\n"), last.count("\n")) >= 8
    assert tracing.essence(lines[:15], limit=400) == b"".join(lines[:15]).decode()


@given(size=st.integers(1, 200))
def test_what_is_written_to_files_leaves_room_for_what_is_told_between(size: int) -> None:
    noise = b'7 1.0 write(3</tmp/log>, "a line", 6) = 6 <0.00001>\n' * 20
    told = b"7 1.0 connect(4<socket:[9]>, 0x7ffd, 16) = -1 ECONNREFUSED (Connection refused)\n"
    whole = noise + told + noise + told.rstrip(b"\n")
    kept = tracing.Essence(limit=400)
    for at in range(0, len(whole), size):
        kept.add(whole[at : at + size])
    assert kept.text() == (told + told).decode().rstrip("\n")


def test_where_there_is_no_trace_there_is_no_text(tmp_path: Path) -> None:
    assert tracing.read(str(tmp_path / "none")) == ""


def test_what_strace_says_is_told_from_what_the_program_says() -> None:
    word = "/t/strace"
    own = "nc: refused\nstrace: mine\n"
    untraced = f"{word}: attach: ptrace(PTRACE_ATTACH, 7): Operation not permitted\n{own}"
    said, rest = tracing.apart(untraced, word)
    assert (said, rest) == (["attach: ptrace(PTRACE_ATTACH, 7): Operation not permitted"], own)
    assert tracing.missing(said) == ""


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@needs_strace
@pytest.mark.parametrize(
    ("command", "why"),
    [("./none-such", "Can't stat './none-such': No such file or directory"),
     ("./plain", "exec: Permission denied"),
     ("./words", "exec: Exec format error")],
)  # fmt: skip
def test_a_command_that_cannot_be_started_is_said_to_be_missing(
    tmp_path: Path, command: str, why: str
) -> None:
    (tmp_path / "plain").write_text("x")
    (tmp_path / "words").write_text("x")
    (tmp_path / "words").chmod(0o755)
    words = tracing.tracer(str(tmp_path / "out"))
    ran = subprocess.run(
        [*words, command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said, rest = tracing.apart(ran.stderr)
    assert (ran.returncode, tracing.missing(said), rest) == (1, why, "")
    assert not trace.parse(tracing.read(str(tmp_path / "out"))).started


PROGRAM = """
import os, socket, sys, threading
with socket.create_server(("127.0.0.1", 0)) as taken:
    there = taken.getsockname()
def refused():
    with socket.socket() as one:
        one.connect_ex(there)
thread = threading.Thread(target=refused)
thread.start()
thread.join()
if os.fork() == 0:
    refused()
    os._exit(0)
os.wait()
print(there[1])
sys.exit(7)
"""


@needs_strace
def test_threads_and_children_of_a_program_are_traced(tmp_path: Path) -> None:
    """Seen with the real strace, whose words these are."""
    out = tmp_path / "out"
    ran = subprocess.run(
        [*tracing.tracer(str(out)), sys.executable, "-c", PROGRAM],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (7, "")
    wait_for_the_end(out)
    read = trace.parse(tracing.read(str(out)))
    assert (read.status, read.started, read.lost) == (7, True, 0)
    (one,) = trace.errnos(read)
    assert (one.call, one.errno_name, one.times) == ("connect", REFUSED, 2)
    assert one.port == int(ran.stdout)
    assert len({call.pid for call in read.calls if call.name == "connect"}) == 2
    assert ended(read) == [REFUSED, REFUSED]


def wait_for_the_end(out: Path) -> None:
    """Wait until the tracer has written that the first process ended, for 5 s at most."""
    until = time.monotonic() + 5
    pid = out.read_text().split()[0]
    while not re.search(rf"^{pid} .*\+\+\+$", out.read_text(), re.M):
        assert time.monotonic() < until, "the tracer did not write of the end"
        time.sleep(0.01)
