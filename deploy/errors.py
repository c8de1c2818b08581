"""Faults that a person can mend: what, where, and the cure, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click


class Exit(IntEnum):
    """What the exit code of every command says."""

    OK = 0
    FINDING = 1
    USAGE = 2
    FAULT = 3


class Fault(click.ClickException):
    """Something outside the program is not as it must be.

    Args:
        what: What is wrong, and where.
        cure: What to do about it; may be empty when `what` says it.
    """

    exit_code = Exit.FAULT

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(f"{what}\n  {cure}" if cure else what)


@contextmanager
def ungrouped() -> Iterator[None]:
    """Let the first fault of a task group out as itself."""
    try:
        yield
    except* Fault as faults:
        raise _first(faults) from None


def _first(faults: BaseExceptionGroup[Fault]) -> Fault:
    one = faults.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one
