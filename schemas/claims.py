"""Batches to columns: detections and complaints, checked and placed.

What somebody claims, a classifier or a citizen; what was measured is in
`schemas.columns`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.columns import decode_common, float_column, keep, take_common
from schemas.complaints import COMPLAINT_KINDS, Complaint, ComplaintBatch
from schemas.detections import DETECTION_KINDS, Detection, DetectionBatch
from schemas.envelope import Datum
from schemas.items import Items, read_items
from schemas.records import RawBatch, Reason, Reject
from schemas.refused import Refusal, unknown_kind


def _take_detection(wires: Sequence[Any]) -> dict[str, list[Any]]:
    return take_common(wires) | {
        "confidence": [wire.confidence for wire in wires],
        "count": [wire.count for wire in wires],
        "snapshot": [wire.snapshot for wire in wires],
    }


def _take_complaint(wires: Sequence[Any]) -> dict[str, list[Any]]:
    return take_common(wires) | {
        "channel": [wire.channel for wire in wires],
        "category": [wire.category for wire in wires],
        "place": [wire.place for wire in wires],
        "place_confidence": [wire.place_confidence for wire in wires],
        "chain": [wire.chain for wire in wires],
    }


def decode_detections(
    raw: RawBatch, datums: Mapping[str, Datum], unknown: Counter[str] | None = None
) -> tuple[DetectionBatch, list[Reject]]:
    """Return the detections of `raw` as columns, and what is refused.

    As `columns.decode_readings`.
    """
    items = read_items(raw, Detection, _take_detection, unknown)
    common, refusals = decode_common(raw, items, datums)
    count = items.optional("count")
    counts = np.array([number or 0 for number in count or [0] * len(items)], np.int64)
    refusals = _negative(counts) | _foreign(common.kind, DETECTION_KINDS) | refusals
    batch = DetectionBatch(
        source=common.source,
        kind=common.kind,
        subject=common.subject,
        event_time_ms=common.event_time_ms,
        ingest_time_ms=common.ingest_time_ms,
        confidence=np.fromiter(items.column("confidence"), np.float64, len(items)),
        number=counts,
        snapshot=_words(items, "snapshot"),
        lon_deg=common.lon_deg,
        lat_deg=common.lat_deg,
        offset=raw.offsets[items.row],
        row=items.row,
    )
    return DetectionBatch(*keep(batch, refusals)), items.rejects(refusals)


def decode_complaints(
    raw: RawBatch, datums: Mapping[str, Datum], unknown: Counter[str] | None = None
) -> tuple[ComplaintBatch, list[Reject]]:
    """Return the tickets of `raw` as columns, and what is refused.

    As `columns.decode_readings`. What was said stays in the input topic: of a
    ticket's texts only its category and the words for its place go on.
    """
    items = read_items(raw, Complaint, _take_complaint, unknown)
    common, refusals = decode_common(raw, items, datums)
    refusals = _foreign(common.kind, COMPLAINT_KINDS) | refusals
    chains = _words(items, "chain")
    batch = ComplaintBatch(
        source=common.source,
        kind=common.kind,
        subject=[chain or ticket for chain, ticket in zip(chains, common.subject, strict=True)],
        event_time_ms=common.event_time_ms,
        ingest_time_ms=common.ingest_time_ms,
        ticket=common.subject,
        channel=[str(channel.value) for channel in items.column("channel")],
        category=items.column("category"),
        place=_words(items, "place"),
        place_confidence=float_column(items, "place_confidence"),
        lon_deg=common.lon_deg,
        lat_deg=common.lat_deg,
        offset=raw.offsets[items.row],
        row=items.row,
    )
    return ComplaintBatch(*keep(batch, refusals)), items.rejects(refusals)


def _words(items: Items, name: str) -> list[str]:
    column = items.optional(name)
    return [""] * len(items) if column is None else [text or "" for text in column]


def _foreign(kinds: Sequence[str], known: Mapping[str, str]) -> dict[int, Refusal]:
    if known.keys() >= set(kinds):
        return {}
    return {i: unknown_kind(kind, known) for i, kind in enumerate(kinds) if kind not in known}


def _negative(counts: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> dict[int, Refusal]:
    return {
        i: Refusal(Reason.OUT_OF_RANGE, "count", f"{counts[i]} is below 0")
        for i in np.flatnonzero(counts < 0).tolist()
    }
