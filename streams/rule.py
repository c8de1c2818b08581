"""The shape that every rule has.

A rule is two pure functions over columns and keyed state:

    evaluate(batch, prior, params) -> Verdict
    close(keys, prior, watermark_ms, params) -> Verdict

`batch` comes from `event_time.Sequencer`: rows in event-time order. `prior`
maps a key to its state and is read only; `changed` holds the new state of the
keys that moved (None forgets a key). A state may carry `due_ms`: the event-time
instant at which `close` must look at the key even if no row comes.
"""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.alerts import Alert

S = TypeVar("S")


class RowNote(NamedTuple):
    """A row that a rule could not use: its index in the batch, and why."""

    row: int
    reason: str
    hint: str = ""


class Verdict(NamedTuple, Generic[S]):
    """What a rule decided.

    Attributes:
        alerts: In event-time order; for one key in the order of its events.
        changed: New state of each key that moved; None forgets the key.
        notes: Rows that it could not use, for the ledger and the dead letters.
    """

    alerts: list[Alert]
    changed: dict[str, S | None]
    notes: list[RowNote] = []  # noqa: RUF012 - never mutated: an empty default


class ColumnVerdict(NamedTuple):
    """What a rule decided whose state is `keyed.Columns`: see `Verdict`.

    Attributes:
        alerts: In event-time order.
        slots: The keys that moved, each once.
        rows: Their new rows. The field `due_ms` of a row is 0 for never.
        notes: Rows that it could not use.
    """

    alerts: list[Alert]
    slots: NDArray[np.int64]
    rows: NDArray[Any]
    notes: list[RowNote] = []  # noqa: RUF012 - never mutated: an empty default


class Rule(Protocol):
    """One rule module, as the registry lists it."""

    NAME: str

    def evaluate(self, batch: Any, prior: Mapping[str, Any], params: Any) -> Verdict[Any]: ...

    def close(
        self, keys: list[str], prior: Mapping[str, Any], watermark_ms: int, params: Any
    ) -> Verdict[Any]: ...
