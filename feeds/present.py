"""Real recordings moved into the present, for a demonstration that does not end.

Values and distances in time are the recordings' own; only the instants are
moved, and a file begins again at its end.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from feeds.recordings import KeyedRecord, read_beidou, read_nmea, read_noise
from schemas import codec
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import SENSOR_READINGS

_HALF_DAY_MS: Final = 12 * 3_600_000
_SHANGHAI_MS: Final = 8 * 3_600_000  # ahead of UTC, without summer time since 1991
_AIS_GAP_MS: Final = 1000


RECORDED: Final = "recorded"
"""Source of recorded boats: told fast from a day ago on, they would come late among
those of a source that tells of now."""


def boats(tracks: Sequence[Path], start_ms: int) -> Iterator[KeyedRecord]:
    """Yield BeiDou fixes, each boat's first one at `start_ms`, merged by time."""
    return heapq.merge(
        *(_boat(track, start_ms) for track in tracks), key=lambda record: record.event_time_ms
    )


def _boat(track: Path, start_ms: int) -> Iterator[KeyedRecord]:
    records = [record for record in read_beidou(track) if record.key]
    shift_ms = start_ms - records[0].event_time_ms if records else 0
    for record in records:
        position = codec.decode(Position, record.value)
        at_ms = position.event_time_ms + shift_ms
        moved = msgspec.structs.replace(position, event_time_ms=at_ms, source=RECORDED)
        yield record._replace(value=codec.encode(moved), event_time_ms=at_ms)


def meter(series: Path, sensor: str, start_ms: int) -> Iterator[KeyedRecord]:
    """Yield a noise series from `start_ms` on, without end.

    The series is twelve hours from midnight: each value keeps its place in the
    half day, so that night and day limits meet the levels of about their hour.
    """
    levels = [
        (_in_half_day(reading.event_time_ms), reading.value)
        for reading in (codec.decode(Reading, row.value) for row in read_noise(series, sensor))
    ]
    begin_ms = start_ms - _in_half_day(start_ms)
    for half_day in itertools.count():
        for offset_ms, value in levels:
            at_ms = begin_ms + half_day * _HALF_DAY_MS + offset_ms
            if at_ms < start_ms:
                continue
            reading = Reading(
                source="noise",
                kind="noise.laeq",
                subject=sensor,
                event_time_ms=at_ms,
                value=value,
                unit="dB(A)",
            )
            yield KeyedRecord(SENSOR_READINGS, sensor.encode(), codec.encode(reading), at_ms)


def _in_half_day(at_ms: int) -> int:
    return (at_ms + _SHANGHAI_MS) % _HALF_DAY_MS


def sentences(log: Path, station: str, start_ms: int) -> Iterator[KeyedRecord]:
    """Yield an AIS log's sentences from `start_ms` on, without end and at its own pace.

    Stamps and tag blocks of the log are left out: the sentences are received now.
    """
    records = [
        (record.event_time_ms, record._replace(value=bare))
        for record in read_nmea(log, station)
        if (bare := _bare(record.value))
    ]
    if not records:
        return
    first_ms, last_ms = records[0][0], records[-1][0]
    for turn in itertools.count():
        turn_ms = start_ms + turn * (last_ms - first_ms + _AIS_GAP_MS) - first_ms
        for at_ms, record in records:
            yield record._replace(event_time_ms=at_ms + turn_ms)


def _bare(lines: bytes) -> bytes:
    return b"\r\n".join(line for line in lines.splitlines() if line.startswith(b"!"))
