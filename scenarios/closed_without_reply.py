"""The server reads the request and closes the connection without a reply.

That is an orderly end: a FIN, and recv(2) gives 0, as often as it is asked. It is no
failure and sets no errno; a program that prints errno here prints one left over from an
earlier call. Had the request not been read, it would be a RST and ECONNRESET
(peer_closed_unread).
"""

from lab import (
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    data,
    fin,
    listen,
    recv,
    rst,
    send,
    so_error,
    state,
)

SCENARIO = Scenario(
    cause="peer",
    claims={"C84": "true", "C98": "wrong", "C110": "true"},
    before=[
        bind(on="server", to="server", port=17214, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17214),
        accept(on="server"),
    ],
    calls=[
        send(on="client", data=b"request").returns(7),
        recv(on="server", socket="c").gives(b"request", within_s=(0.0, 0.5)),
        close(on="server", socket="c"),
        recv(on="client").returns(0, within_s=(0.0, 0.5)),
        recv(on="client").returns(0, within_s=(0.0, 0.5)),
        so_error(on="client").reports(""),
        state(on="client").tells("CLOSE-WAIT"),
    ],
    seen=[
        data(at="server", sender="client", count=1),
        fin(at="client", sender="server", count=1),
    ],
    absent=[data(at="server", sender="server"), rst(at="client")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    look=(
        "A capture shows our request, its ACK and a FIN from the peer, and no RST. `ss -tn` shows "
        "CLOSE-WAIT until the program closes. Why there was no reply is in the server's log."
    ),
    source=(
        "RFC 9293 3.6; recv(2); Linux net/ipv4/tcp_input.c tcp_fin(), "
        "net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
