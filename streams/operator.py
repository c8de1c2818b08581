"""The operator: all that one partition of one agent decides and remembers.

An operator is handed raw records and the time, and answers with what is to be
sent. It does no I/O: an agent (or a backtest) sends, remembers, acknowledges.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from schemas.records import RawBatch, Reason, Stage

Row = tuple[bytes, bytes | None]
"""A row of durable state; a None value deletes its key."""


class Send(NamedTuple):
    """A record to be produced; its key decides its partition."""

    topic: str
    key: bytes
    value: bytes


class Outcome(NamedTuple):
    """What an operator made of some records, or of time passing.

    Attributes:
        sends: What to produce, in order.
        read: Records taken; `used` events that a rule has seen (a pack of
            readings is one record and many events).
        refused: Events refused, by stage and reason; each is also among `sends`.
        unknown_fields: Fields that no contract names, tolerated and counted.
        alerts: Alert messages by rule and transition.
        ages_ms: For each alert message, how old its instant is, now.
        set_aside: Events kept from the rules on purpose, by reason.
        communities: Placed events by the community that they lie in, "" outside.
    """

    sends: Sequence[Send] = ()
    read: int = 0
    used: int = 0
    refused: Mapping[tuple[Stage, Reason], int] = MappingProxyType({})
    unknown_fields: Mapping[str, int] = MappingProxyType({})
    alerts: Mapping[tuple[str, str], int] = MappingProxyType({})
    ages_ms: Sequence[int] = ()
    set_aside: Mapping[str, int] = MappingProxyType({})
    communities: Mapping[str, int] = MappingProxyType({})


NOTHING = Outcome()


class Operator(Protocol):
    """One partition's decider. Not shared between partitions, not thread-safe."""

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Decide on `raw`; records that were taken before change nothing."""

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """Decide on what time alone has made due by `now_ms` (wall time).

        `caught_up` says that no record of the partition waits to be read: while
        one does, that nothing was seen is not silence.
        """

    def next_due_ms(self) -> int | None:
        """Return the next wall instant that something is due at; None where none is known.

        Only clocks toward people and the watch on feeds run on wall time alone.
        """

    def changes(self) -> list[Row]:
        """Return the state rows that moved since the last call, in write order.

        The order matters: a crash may keep any beginning of the list, and
        replaying the records from before must then give nothing new.
        """

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the state that `changes` once returned; called before all else."""

    def watermark_ms(self) -> int | None:
        """Return how far event time has come; None where there is none."""
