"""Recordings: files of real data as records of the input topics, in time order.

A record that a file cannot make sense of is handed on as it stands, so that the
decoder refuses it and it is found among the dead letters; nothing here raises
for a bad row. `event_time_ms` is the file's own time (that of the row before,
where a row has none) and paces a replay.
"""

import csv
import gzip
import tarfile
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from feeds.nmea.groups import Groups
from schemas.codec import encode
from schemas.envelope import Datum
from schemas.instants import parse_instant
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import SENSOR_READINGS, VESSEL_NMEA, VESSEL_POSITIONS, reading_topic
from streams.vessels.nmea import Piece, Token, pieces, stamp_ms
from streams.vessels.register import BEIDOU_PREFIX

SHANGHAI = ZoneInfo("Asia/Shanghai")
TIANCHI_YEAR = 2019
"""The Tianchi set of 2020 says no year; its season is the one before."""

_GEARS = {"围网": "purse-seine", "刺网": "gillnet", "拖网": "trawl"}
_NOISE_SOURCE, _BEIDOU_SOURCE = "noise", "beidou"
_NOISE_COLUMNS = 2


class KeyedRecord(NamedTuple):
    """One record to be sent, and the instant that it is about (UTC)."""

    topic: str
    key: bytes
    value: bytes
    event_time_ms: int


def read_beidou(path: Path, year: int = TIANCHI_YEAR) -> Iterator[KeyedRecord]:
    """Read BeiDou fixes of fishing boats: one CSV, or a tar.gz of one CSV a boat.

    Columns: boat id, lat, lon, speed in knots, course, `MMDD HH:MM:SS` in
    Beijing time, gear in Chinese; newest first. Each boat's first fix comes
    with a static message that says its gear. Boats of one archive are merged by
    time. Rows that are not like this come first among the boat's, as they are.

    Raises:
        ValueError: There is no such file.
    """
    records: list[KeyedRecord] = []
    for text in _texts(path):
        records += _boat(text, year)
    yield from sorted(records, key=lambda record: record.event_time_ms)


def read_noise(path: Path, sensor: str, zone: tzinfo = SHANGHAI) -> Iterator[KeyedRecord]:
    """Read a noise meter's CSV: local time and LAeq in dB(A), one row a second or minute.

    Args:
        path: The file, or its .gz.
        sensor: Id of the meter that the readings are given to.
        zone: In which its clock runs.

    Raises:
        ValueError: There is no such file.
    """
    at_ms = 0
    for line in _open_text(path).splitlines()[1:]:
        fields = [field.strip() for field in line.split(",")]
        value = line.encode()
        try:
            at_ms = _local_ms(fields[0], "%Y-%m-%d %H:%M:%S", zone)
            level_db = float(fields[1]) if len(fields) == _NOISE_COLUMNS else None
        except (ValueError, IndexError):
            level_db = None
        if level_db is not None:
            value = encode(
                Reading(
                    source=_NOISE_SOURCE,
                    kind="noise.laeq",
                    subject=sensor,
                    event_time_ms=at_ms,
                    value=level_db,
                    unit="dB(A)",
                )
            )
        yield KeyedRecord(SENSOR_READINGS, sensor.encode(), value, at_ms)


def read_nmea(path: Path, station: str, begins_ms: int = 0) -> Iterator[KeyedRecord]:
    """Read an NMEA log (or its .gz): one record a sentence with what stands before it.

    Tag blocks and stamps that stand on lines of their own stay with the
    sentence that they belong to. The time is that of the newest tag block or
    `$PGHP` so far; `begins_ms` until there is one.

    Raises:
        ValueError: There is no such file.
    """
    at_ms, groups = begins_ms, Groups()
    for line in _open_bytes(path).splitlines():
        told = (told_ms for told_ms in map(_told_ms, pieces(line)) if told_ms is not None)
        at_ms = max(told, default=at_ms)
        if (group := groups.take(line)) is not None:
            yield KeyedRecord(VESSEL_NMEA, station.encode(), group, at_ms)
    if (group := groups.rest()) is not None:
        yield KeyedRecord(VESSEL_NMEA, station.encode(), group, at_ms)


def read_jsonl(path: Path, topic: str, key: bytes | None = None) -> Iterator[KeyedRecord]:
    """Read lines of our own wire format (or their .gz) into `topic`.

    A reading goes to the lane of its kind; what is not given a `key` has its subject.

    Raises:
        ValueError: There is no such file.
    """
    at_ms = 0
    for line in _open_bytes(path).splitlines():
        if line.strip():
            subject, kind, told = _peek(line)
            at_ms = at_ms if told is None else told
            lane = reading_topic(kind) if topic == SENSOR_READINGS else topic
            yield KeyedRecord(lane, subject if key is None else key, line, at_ms)


def _boat(text: str, year: int) -> list[KeyedRecord]:
    """Return one boat's records, oldest first."""
    fixes: list[Position] = []
    bad: list[bytes] = []
    lines = text.splitlines()[1:]
    rows = csv.reader(lines)
    while rows.line_num < len(lines):
        try:
            fix = _fix(next(rows, []), year)
        except csv.Error:  # a stray byte of a file that is none of ours
            fix = None
        if fix is None:
            bad.append(lines[rows.line_num - 1].encode())
        else:
            fixes.append(fix)
    fixes.sort(key=lambda fix: fix.event_time_ms)
    statics = [
        Position(
            source=fix.source,
            kind="vessel.static",
            subject=fix.subject,
            event_time_ms=fix.event_time_ms,
            gear=fix.gear,
        )
        for fix in fixes[:1]
        if fix.gear
    ]
    first_ms = fixes[0].event_time_ms if fixes else 0
    return [KeyedRecord(VESSEL_POSITIONS, b"", value, first_ms) for value in bad] + [
        KeyedRecord(VESSEL_POSITIONS, fix.subject.encode(), encode(fix), fix.event_time_ms)
        for fix in [*statics, *fixes]
    ]


def _fix(row: list[str], year: int) -> Position | None:
    try:
        boat, lat_deg, lon_deg, speed_kn, course_deg, clock, gear = row
        at_ms = _beijing_ms(year, clock)
        return Position(
            source=_BEIDOU_SOURCE,
            kind="vessel.position",
            subject=f"{BEIDOU_PREFIX}{int(boat)}",
            event_time_ms=at_ms,
            lon_deg=float(lon_deg),
            lat_deg=float(lat_deg),
            sog_kn=float(speed_kn),
            cog_deg=float(course_deg) % 360,
            gear=_GEARS.get(gear, gear) or None,
            datum=Datum.WGS84,
        )
    except ValueError:
        return None


def _beijing_ms(year: int, clock: str) -> int:
    """Return the instant of `MMDD HH:MM:SS`; by hand, as strptime takes ten times as long."""
    day, _, time = clock.partition(" ")
    hour, minute, second = (int(part) for part in time.split(":"))
    local = datetime(year, int(day[:2]), int(day[2:]), hour, minute, second, tzinfo=SHANGHAI)
    return round(local.timestamp() * 1000)


def _told_ms(piece: Piece) -> int | None:
    if piece.token is Token.STAMP:
        return stamp_ms(piece.text)
    return piece.tag.received_ms


def _peek(line: bytes) -> tuple[bytes, str, int | None]:
    """Return subject, kind and instant of a line; nothing of one that is no JSON object."""
    try:
        wire = msgspec.json.decode(line)
        subject = str(wire["subject"]).encode()
        told = parse_instant(str(wire["event_time"]))
        kind = str(wire.get("kind"))
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError):
        return b"", "", None
    return subject, kind, told if isinstance(told, int) else None


def _local_ms(text: str, form: str, zone: tzinfo) -> int:
    return round(datetime.strptime(text, form).replace(tzinfo=zone).timestamp() * 1000)


def _texts(path: Path) -> Iterable[str]:
    if path.name.endswith((".tar.gz", ".tgz")):
        _require(path)
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".csv") else None
                if content is not None:
                    yield content.read().decode("utf-8-sig", "replace")
    else:
        yield _open_text(path)


def _open_text(path: Path) -> str:
    return _open_bytes(path).decode("utf-8-sig", "replace")


def _open_bytes(path: Path) -> bytes:
    _require(path)
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def _require(path: Path) -> None:
    if not path.is_file():
        raise ValueError(f"no recording at {path}: name a file, or set CITYBRAIN_RECORDINGS")
