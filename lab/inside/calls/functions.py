"""A Python function of a test's, called in a fresh interpreter that ends with it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from lab.inside.calls.supervised import run_program
from lab.inside.calls.table import Sockets, Told, made

# How much may come back, as text.
RESULT_MAX = 32 * 1024 * 1024


@made(held=True)
def _function(
    _held: Sockets, _socket: str, program: str, data: bytes, env: Mapping[str, str],
    timeout_s: float,
) -> Told:  # fmt: skip
    """Run a Python program that is given a task and writes a result (see `inside.function`).

    It finds the numbers of two descriptors in ERRNOLAB_FDS, "5,6": the task, `data`, is read
    from the first, the result, a text, is written to the second.
    Tells: "outcome", as of `supervise`; "result", None if it is larger than RESULT_MAX.
    """
    with contextlib.ExitStack() as stack:
        fds = [os.memfd_create(name) for name in ("task", "result")]
        for fd in fds:
            stack.callback(os.close, fd)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fds[0], rest) :]
        os.lseek(fds[0], 0, os.SEEK_SET)
        # -I: nothing of this host's user is imported; -u: what it printed is there if it dies.
        outcome = run_program(
            ["python3", "-Iu", "-c", program], {**env, "ERRNOLAB_FDS": ",".join(map(str, fds))},
            timeout_s, b"", trace=False, pass_fds=fds,
        )  # fmt: skip
        size = os.fstat(fds[1]).st_size
        result = os.pread(fds[1], size, 0).decode() if size <= RESULT_MAX else None
    return 0, {"outcome": outcome, "result": result}
