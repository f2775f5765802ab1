"""The peer closes its sending half, and goes on to receive.

Its FIN says that it has nothing more to send: recv(2) gives 0, now and always, and that is
no failure. It does not say that it left: what it is sent still arrives, and is read. The
same FIN comes from a peer that closed its socket; only what answers the next segment
tells the two apart, an ACK here and a RST there (write_after_close).
"""

from lab import (
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    fin,
    listen,
    recv,
    rst,
    send,
    shutdown,
    state,
)

SCENARIO = Scenario(
    cause="peer",
    claims={"C84": "true", "C110": "wrong", "C111": "true"},
    before=[
        bind(on="server", to="server", port=17206, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17206),
        accept(on="server"),
    ],
    calls=[
        shutdown(on="server", how="SHUT_WR", socket="c"),
        recv(on="client").returns(0, within_s=(0.0, 0.5)),
        send(on="client", data=b"more").returns(4),
        recv(on="server", socket="c").gives(b"more", within_s=(0.0, 0.5)),
        recv(on="client").returns(0, within_s=(0.0, 0.5)),
        state(on="client").tells("CLOSE-WAIT"),
        state(on="server", socket="c").tells("FIN-WAIT-2"),
    ],
    seen=[
        fin(at="client", sender="server", count=1),
        data(at="server", sender="client", count=1),
    ],
    absent=[rst(at="client"), fin(at="client", sender="client")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    look=(
        "`ss -tn` shows CLOSE-WAIT here and FIN-WAIT-2 there; with `-p`, the peer's end still has "
        "a process. If the peer had closed, its end would have none, and data would be answered "
        "with a RST."
    ),
    source=(
        "RFC 9293 3.6; shutdown(2), recv(2); Linux net/ipv4/tcp.c tcp_shutdown(), "
        "net/ipv4/tcp_input.c tcp_fin()"
    ),
)
