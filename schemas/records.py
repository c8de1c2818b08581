"""Raw records as a broker hands them over, and why some are refused."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Headers: TypeAlias = Sequence[tuple[str, bytes]]


class RawBatch(NamedTuple):
    """Some records of one partition, in offset order, undecoded.

    Offsets may have holes (compaction, transactions). All columns have one
    entry a record; `headers` is empty when no record of the batch has any.
    """

    topic: str
    partition: int
    offsets: NDArray[np.int64]
    ingest_time_ms: NDArray[np.int64]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] = ()


class Stage(StrEnum):
    """Where on its way an event was refused."""

    DECODE = "decode"
    VALIDATE = "validate"
    CLOCK = "clock"
    EVENT_TIME = "event-time"
    RULE = "rule"
    DOOR = "door"
    DELIVER = "deliver"


class Reason(StrEnum):
    """Why an event was refused; bounded, so that it can label a metric."""

    NOT_JSON = "not-json"
    NOT_NMEA = "not-nmea"
    CHECKSUM = "checksum"
    INCOMPLETE = "incomplete"
    UNDECODABLE = "undecodable"
    TOMBSTONE = "tombstone"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    NOT_FINITE = "not-finite"
    NAIVE_TIME = "naive-time"
    BAD_TIME = "bad-time"
    UNKNOWN_UNIT = "unknown-unit"
    UNKNOWN_KIND = "unknown-kind"
    UNKNOWN_SCHEMA = "unknown-schema"
    OUT_OF_RANGE = "out-of-range"
    DATUM_UNDECLARED = "datum-undeclared"
    DATUM_UNSUPPORTED = "datum-unsupported"
    FUTURE = "future"
    LATE = "late"
    UNKNOWN_SUBJECT = "unknown-subject"
    UNKNOWN_ORDER = "unknown-order"
    REFUSED_AT_DOOR = "refused-at-door"
    PERSON = "person"
    NOT_WATCHED = "not-watched"
    NO_FINDING = "no-finding"
    UNDELIVERED = "undelivered"


class Reject(NamedTuple):
    """One refused event: which row of the raw batch, where, why, how to mend it."""

    row: int
    stage: Stage
    reason: Reason
    field: str = ""
    hint: str = ""
