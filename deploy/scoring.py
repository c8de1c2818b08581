"""Precision and recall of alerts against labels that a person has written."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.alerts import Alert, Transition
from schemas.instants import parse_instant

COLUMNS = ("kind", "subject", "from", "until")


class Label(NamedTuple):
    """What should have been alerted: a kind about a subject, somewhere in [from, until]."""

    kind: str
    subject: str
    from_ms: int
    until_ms: int


class Score(NamedTuple):
    """How alerts of the labelled kinds compare with the labels.

    Attributes:
        hits: Alerts that begin within a label of their kind and subject.
        false_alerts: Alerts of a labelled kind within none.
        found, missed: Labels with and without an alert.
    """

    hits: int
    false_alerts: int
    found: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of alerts that are right; None without alerts."""
        total = self.hits + self.false_alerts
        return self.hits / total if total else None

    @property
    def recall(self) -> float | None:
        """Share of labels that were found; None without labels."""
        total = self.found + self.missed
        return self.found / total if total else None


def read_labels(text: str) -> list[Label]:
    """Read labels from CSV with the columns kind, subject, from, until (RFC 3339).

    Raises:
        ValueError: A column or an instant is not as it must be; says the line.
    """
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise ValueError(f"line 1: the column {missing[0]!r} is missing; want {','.join(COLUMNS)}")
    return [
        Label(row["kind"], row["subject"], _instant(row, "from"), _instant(row, "until"))
        for row in _numbered(rows)
    ]


def score(alerts: Iterable[Alert], labels: Sequence[Label]) -> Score:
    """Compare the onsets and notices among `alerts` with `labels`."""
    kinds = {label.kind for label in labels}
    hit: set[int] = set()
    hits = false_alerts = 0
    for alert in alerts:
        begins = alert.transition in {Transition.ONSET, Transition.NOTICE}
        if not begins or alert.kind not in kinds:
            continue
        matching = [n for n, label in enumerate(labels) if _matches(alert, label)]
        hit.update(matching)
        hits += bool(matching)
        false_alerts += not matching
    return Score(hits, false_alerts, len(hit), len(labels) - len(hit))


def _matches(alert: Alert, label: Label) -> bool:
    same = (alert.kind, alert.subject) == (label.kind, label.subject)
    return same and label.from_ms <= alert.event_time_ms <= label.until_ms


def _numbered(rows: "csv.DictReader[str]") -> Iterable[dict[str, str]]:
    for row in rows:
        row["line"] = str(rows.line_num)
        yield row


def _instant(row: dict[str, str], name: str) -> int:
    told = parse_instant(row[name] or "")
    if not isinstance(told, int):
        raise ValueError(  # noqa: TRY004 - the value is wrong, not its type
            f"line {row['line']}: {name} is {row[name]!r}, no RFC 3339 instant with an offset"
        )
    return told
