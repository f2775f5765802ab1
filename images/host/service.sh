#!/bin/sh
# errnolab-service start|stop|status NAME: the server's programs, by name.
# `start` returns when the program listens, `stop` when it is gone. A host starts with
# echo and echo_udp alone; what they have to say is in /run/errnolab/NAME.log.
set -u
action=${1:-} name=${2:-}
run=/run/errnolab
pidfile=$run/$name.pid

case $name in
    echo) program="errnolab-server --tcp" ;;
    echo_udp) program="errnolab-server --udp" ;;
    naive) program="errnolab-server --tcp --port 16560 --naive" ;;
    framed_fixed) program="errnolab-server --tcp --port 16561 --framing fixed:8" ;;
    framed_delimiter) program='errnolab-server --tcp --port 16562 --framing delimiter:\n' ;;
    framed_length) program="errnolab-server --tcp --port 16563 --framing length:4" ;;
    web) program="errnolab-web --port 8080" ;;
    *)
        echo "errnolab-service: no service '$name': there are echo, echo_udp, naive," \
            "framed_fixed, framed_delimiter, framed_length, web" >&2
        exit 2
        ;;
esac

alive() { [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }

case $action in
    start)
        alive && exit 0
        rm -f "$run/$name.ready"
        mkfifo "$run/$name.ready"
        # shellcheck disable=SC2086 # a program and its arguments
        setsid $program --ready-fd 3 \
            3>"$run/$name.ready" >>"$run/$name.log" 2>&1 </dev/null &
        echo $! >"$pidfile"
        # The program writes a line when it listens; if it dies, this is the end of file.
        if ! read -r _ <"$run/$name.ready"; then
            echo "errnolab-service: $name did not start:" >&2
            tail -n 5 "$run/$name.log" >&2
            exit 1
        fi
        ;;
    stop)
        alive || exit 0
        kill -TERM "$(cat "$pidfile")"
        while alive; do sleep 0.005; done
        rm -f "$pidfile"
        ;;
    status) alive ;;
    *) echo "usage: errnolab-service start|stop|status NAME" >&2; exit 2 ;;
esac
