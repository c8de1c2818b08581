"""Child processes that never outlive their purpose.

A child gets a session of its own, so that Ctrl-C reaches only the parent, which
then ends its children in order. On Linux a tied child also asks the kernel for
SIGKILL at its parent's death, so that even `kill -9` of the parent leaves
nothing behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.05


def _die_with(parent_pid: int) -> Callable[[], None] | None:
    """Return what a child runs before exec to be tied to `parent_pid`."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec little is safe

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # the parent died in between
            os._exit(1)

    return tie


def spawn(
    argv: Sequence[str],
    *,
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    tied: bool = True,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own, with no standard input.

    Args:
        argv: Program and arguments.
        output: Where standard output and error go; None keeps the parent's.
        env: The whole environment; None passes the parent's on.
        cwd: Working folder; None keeps the parent's.
        tied: Die with the thread that called this (Linux); so call it from a
            thread that lasts. False is for daemons.
    """
    return subprocess.Popen(  # noqa: S603  # the commands are our own
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()) if tied else None,  # noqa: PLW1509  # one prctl call
    )


def signal_group(pid: int, signum: signal.Signals) -> None:
    """Send `signum` to the whole group that `pid` leads; gone is fine."""
    try:
        os.killpg(pid, signum)
    except (ProcessLookupError, PermissionError):  # a zombie's group refuses on macOS
        return


def end(children: Sequence[subprocess.Popen[bytes]], grace_s: float) -> None:
    """End `children` and all that they started: SIGTERM, `grace_s`, SIGKILL."""
    for child in children:
        signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for child in children:
        try:
            child.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:
            signal_group(child.pid, signal.SIGKILL)  # whatever it left in its group
            child.wait()


def is_alive(pid: int) -> bool:
    """Whether a process of this id runs (a zombie counts as dead where /proc tells)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_gone(pid: int, timeout_s: float) -> bool:
    """Wait until `pid`, not a child of ours, has ended; False when it has not."""
    deadline = time.monotonic() + timeout_s
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
