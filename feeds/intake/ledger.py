"""The ledger of intake: what each source published, and what was refused of it, and why.

Kept in memory, bounded: the last hundred refusals a source can be read, all are
counted. What a door refuses it has answered, so it does not go to the dead
letters: those are for what no sender can be told of any more.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from feeds.intake.metrics import IntakeMetrics
from streams.doors.clock_guard import Skews
from streams.doors.judging import Taken
from streams.doors.verdict import Outcome, Verdict

KEPT_REFUSALS: Final = 100
MOST_DEVICES: Final = 50_000
UNKNOWN: Final = "(undeclared)"
"""Under this name is counted what names no source of the city."""

_EXCERPT_BYTES: Final = 400


class Refusal(NamedTuple):
    """One refused event, as the feed page shows it."""

    at_ms: int
    code: str
    field: str
    hint: str
    excerpt: str


class SourceAccount:
    """What is known of one source since this process began.

    Attributes:
        accepted, duplicates: Counts.
        refused, warned: Counts by code.
        late: Accepted events older than the source's disorder and lateness
            together: the rules will not use them.
        refusals: The last ones, oldest first.
        heard: When each device was last heard, by subject; not heard for longest first.
        last_ms: When anything was last accepted.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.late = 0
        self.refused: Counter[str] = Counter()
        self.warned: Counter[str] = Counter()
        self.refusals: deque[Refusal] = deque(maxlen=KEPT_REFUSALS)
        self.heard: OrderedDict[str, int] = OrderedDict()
        self.skews = Skews()
        self.last_ms: int | None = None


class Ledger:
    """The accounts of all sources.

    Args:
        lateness_ms: By declared source: older events than this count as late.
        metrics: Where the same is counted for Prometheus.
        since_ms: When counting begins.
    """

    def __init__(self, lateness_ms: dict[str, int], metrics: IntakeMetrics, since_ms: int) -> None:
        self.since_ms = since_ms
        self._lateness_ms = lateness_ms
        self._accounts = {name: SourceAccount() for name in (*lateness_ms, UNKNOWN)}
        self.metrics = metrics

    def account(self, source: str) -> SourceAccount:
        """Return the account of a source; one for all that are not declared."""
        return self._accounts.get(source) or self._accounts[UNKNOWN]

    def accept(self, events: Sequence[Taken], now_ms: int) -> None:
        """Count events that the broker has acknowledged."""
        groups: dict[str, list[Taken]] = {}
        for one in events:
            groups.setdefault(one.source, []).append(one)
        for source, group in groups.items():
            account = self.account(source)
            account.accepted += len(group)
            account.last_ms = now_ms
            oldest_ms = now_ms - self._lateness_ms.get(source, 0)
            subjects = [one.subject for one in group]
            times_ms = [one.event_time_ms for one in group]
            late = sum(at_ms < oldest_ms for at_ms in times_ms)
            account.late += late
            account.skews.note(subjects, [at_ms - now_ms for at_ms in times_ms])
            for subject in subjects:
                account.heard[subject] = now_ms
                account.heard.move_to_end(subject)
            while len(account.heard) > MOST_DEVICES:
                account.heard.popitem(last=False)
            self.metrics.accept(self.label(source), len(group), late)

    def repeat(self, source: str, count: int = 1) -> None:
        """Count events that had been published before."""
        self.account(source).duplicates += count
        self.metrics.repeat(self.label(source), count)

    def refuse(self, source: str, verdict: Verdict, item: bytes, now_ms: int) -> None:
        """Count and keep one refusal; `item` is what was sent."""
        account = self.account(source)
        account.refused[verdict.code] += 1
        excerpt = item[:_EXCERPT_BYTES].decode("utf-8", "replace")
        account.refusals.append(Refusal(now_ms, verdict.code, verdict.field, verdict.hint, excerpt))
        self.metrics.refuse(self.label(source), verdict.code)

    def warn(self, source: str, verdict: Verdict) -> None:
        """Count a warning on an accepted event."""
        self.account(source).warned[verdict.code] += 1

    def settle(
        self,
        verdicts: Iterable[Verdict],
        sources: Sequence[str],
        items: Sequence[bytes],
        now_ms: int,
    ) -> None:
        """Count all but what was accepted: refusals, repetitions and warnings."""
        for verdict, source, item in zip(verdicts, sources, items, strict=True):
            if verdict.outcome is Outcome.REJECTED:
                self.refuse(source, verdict, item, now_ms)
            elif verdict.outcome is Outcome.DUPLICATE:
                self.repeat(source)
            elif verdict.code:
                self.warn(source, verdict)

    def count_unknown_fields(self, fields: Counter[str]) -> None:
        """Count fields that the contract does not know, by name."""
        for name, count in fields.items():
            self.metrics.count_unknown_field(name, count)

    def label(self, source: str) -> str:
        """Return the name under which a source is counted."""
        return source if source in self._accounts else UNKNOWN
