"""Conformance: the verdicts that a door would give on a file, without a door or a broker.

The same parting, judging and recognising as at the door; only what was
published before is not known.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from feeds.intake.forms import CLOUDEVENT, CLOUDEVENTS, JSON, MAX_ITEMS, NDJSON, SENML, part_body
from feeds.intake.intake import recognise
from feeds.intake.memory import prints_of
from schemas.records import RawBatch, Reason
from schemas.refused import Refusal
from schemas.topics import VESSEL_NMEA
from streams.city.model import City
from streams.doors.judging import Judge
from streams.doors.sender import Sender
from streams.doors.sorting import RECORDS
from streams.doors.verdict import ACCEPTED, Verdict, of_refusal, rejected
from streams.vessels.ais import Pending, decode_nmea

NMEA: Final = "nmea"
KINDS: Final = (*RECORDS, "senml", "cloudevents", NMEA)
"""What a file may be said to be."""

_AIS_SOURCE: Final = "ais"


class Told(NamedTuple):
    """The verdict on one item; of a file that cannot be parted, the one on all of it."""

    number: int
    verdict: Verdict


def verdicts_on(
    body: bytes, kind: str, sender: Sender, city: City, now_ms: int, *, lines: bool = False
) -> Iterator[Told]:
    """Yield the verdict on each item of a file.

    Args:
        body: The file.
        kind: One of `KINDS`.
        sender: Who would send it.
        city: At whose door.
        now_ms: When.
        lines: One event a line, where the kind leaves it open.
    """
    if kind == NMEA:
        yield from _on_sentences(body, now_ms)
        return
    parted = part_body(body, _form(body, kind, lines=lines), sender.only_source, now_ms)
    if isinstance(parted, Refusal):
        yield Told(0, of_refusal(parted))
        return
    judge, known = Judge(city), dict[bytes, bytes]()
    for start in range(0, len(parted), MAX_ITEMS):
        part = parted[start : start + MAX_ITEMS]
        judgement = judge.judge([one.said for one in part], sender, now_ms, RECORDS.get(kind))
        prints = prints_of(judgement.taken)
        recognise(judgement, prints, [known.get(one.key) for one in prints])
        for one in prints:
            known.setdefault(one.key, one.body)
        for item, verdict in zip(part, judgement.verdicts, strict=True):
            yield Told(item.number, verdict)


def _form(body: bytes, kind: str, *, lines: bool) -> str:
    if kind == "senml":
        return SENML
    is_array = body.lstrip()[:1] == b"["
    if kind == "cloudevents":
        return CLOUDEVENTS if is_array else CLOUDEVENT
    return NDJSON if lines and not is_array else JSON


def _on_sentences(body: bytes, now_ms: int) -> Iterator[Told]:
    """Yield a verdict a line, and one on each message that lacks a part at the end."""
    lines = [line for line in body.splitlines() if line.strip()]
    count = len(lines)
    raw = RawBatch(
        VESSEL_NMEA,
        -1,
        np.arange(count),
        np.full(count, now_ms, np.int64),
        [b"file"] * count,
        lines,
    )
    decoded = decode_nmea(raw, Pending(), _AIS_SOURCE)
    refused = {one.row: rejected(one.reason, one.field, one.hint) for one in decoded.rejects}
    for feed in decoded.pending.feeds.values():
        for one in feed.waiting.values():
            hint = f"{len(one.sentences)} of {one.total} sentences of its message are there"
            for _, sentence in one.sentences:
                row = next(row for row, line in enumerate(lines) if sentence in line)
                refused[row] = rejected(Reason.INCOMPLETE, hint=hint)
    for row in range(count):
        yield Told(row, refused.get(row, ACCEPTED))
