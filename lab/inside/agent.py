"""The agent: it answers the requests that come over the channel.

A request is (id, operation, arguments), an answer (id, ok, value). Each request
has a thread of its own, so that a slow one holds up nobody.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable
from typing import Any

from lab.inside.bystander import bystander_start, bystander_stop, echo
from lab.inside.caller import (
    caller_answer,
    caller_begin,
    caller_call,
    caller_close,
    caller_open,
    callers_end,
)
from lab.inside.capture import capture_look, capture_start, capture_stop
from lab.inside.journal import fault_in, fault_out, faults
from lab.inside.lock import lock, unlock
from lab.inside.probe import probe
from lab.inside.programs import run
from lab.inside.serving import listening, server_look, server_start, server_stop
from lab.inside.state import (
    counters,
    end_orphans,
    interfaces,
    now_ns,
    recall,
    remember,
    settle,
    snapshot,
    sysctls,
    wait_ready,
)
from lab.inside.states import states_look, states_start, states_stop

OPERATIONS: dict[str, Callable[..., Any]] = {
    operation.__name__: operation
    for operation in (
        bystander_start, bystander_stop, caller_answer, caller_begin, caller_call, caller_close,
        caller_open, callers_end, capture_look, capture_start, capture_stop, counters, echo,
        end_orphans, fault_in, fault_out, faults, interfaces, listening, lock, now_ns, probe,
        recall, remember, run, server_look, server_start, server_stop, settle, snapshot,
        states_look, states_start, states_stop, sysctls, wait_ready,
    )
}  # fmt: skip


def serve(channel: Any) -> None:
    """Answer requests until the runner's end closes, then end what is ours."""

    def answer(number: int, operation: str, arguments: dict[str, Any]) -> None:
        try:
            ok, value = True, OPERATIONS[operation](**arguments)
        except Exception:  # The runner shows it with the host's name.
            ok, value = False, traceback.format_exc()
        with contextlib.suppress(OSError):
            channel.send((number, ok, value))

    try:
        for request in channel:
            threading.Thread(target=answer, args=request, daemon=True).start()
    finally:
        callers_end()
        server_stop()
        unlock()
