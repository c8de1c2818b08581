"""From cameras' detections, and from citizens' tickets, to alerts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from schemas.codec import decode_complaints, decode_detections, encode
from schemas.complaints import Channel, Complaint, ComplaintBatch
from schemas.detections import Detection, DetectionBatch
from schemas.records import RawBatch, Reject
from streams import skew
from streams.city.model import City
from streams.event_time import Sequencer
from streams.lateness import Timing
from streams.operators.events import EventOperator
from streams.operators.lanes import Lanes
from streams.operators.placing import place_of, placed
from streams.pulse import Pulse
from streams.registry import RuleEntry
from streams.skew import Clocks

UNDECLARED_CAMERAS = Timing(out_of_orderness_ms=0, allowed_lateness_ms=300_000)
UNDECLARED_TICKETS = Timing(out_of_orderness_ms=0, allowed_lateness_ms=3_600_000)
"""Of sources that the city's files do not name: taken in the order of arrival, so that a
fire waits for no straggler. A ticket may be written down long after the call."""


def detections_operator(
    city: City, rules: Mapping[str, RuleEntry], settings: Mapping[str, Any]
) -> EventOperator:
    """Return the operator of one partition of `camera.detections`.

    Args:
        city: Its sources, cameras, boundaries and code.
        rules: The rules to run, by name.
        settings: What each is told (`registry.settings`).
    """
    datums = city.datums
    places = {code: (camera.lon_deg, camera.lat_deg) for code, camera in city.cameras.items()}

    def decode(raw: RawBatch, unknown: Counter[str]) -> tuple[DetectionBatch, list[Reject]]:
        batch, rejects = decode_detections(raw, datums, unknown)
        return placed(batch, places), rejects

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED_CAMERAS, DetectionBatch),
        Lanes(rules, settings),
        again=_detection_again,
        clocks=Clocks(city.params[skew.NAME]),
        pulse=Pulse(city.code),
        areas=city.areas,
    )


def complaints_operator(
    city: City, rules: Mapping[str, RuleEntry], settings: Mapping[str, Any]
) -> EventOperator:
    """Return the operator of one partition of `citizen.complaints`; arguments as above."""
    datums = city.datums

    def decode(raw: RawBatch, unknown: Counter[str]) -> tuple[ComplaintBatch, list[Reject]]:
        return decode_complaints(raw, datums, unknown)

    return EventOperator(
        city.code,
        decode,
        Sequencer(city.timings, UNDECLARED_TICKETS, ComplaintBatch),
        Lanes(rules, settings),
        again=_complaint_again,
        pulse=Pulse(city.code),
        areas=city.areas,
    )


def _detection_again(batch: DetectionBatch, row: int) -> bytes:
    lon_deg, lat_deg, datum = place_of(batch, row)
    return encode(
        Detection(
            source=batch.source[row],
            kind=batch.kind[row],
            subject=batch.subject[row],
            event_time_ms=int(batch.event_time_ms[row]),
            ingest_time_ms=int(batch.ingest_time_ms[row]),
            confidence=float(batch.confidence[row]),
            count=int(batch.number[row]) or None,
            snapshot=batch.snapshot[row] or None,
            datum=datum,
            lon_deg=lon_deg,
            lat_deg=lat_deg,
        )
    )


def _complaint_again(batch: ComplaintBatch, row: int) -> bytes:
    lon_deg, lat_deg, datum = place_of(batch, row)
    ticket, chain = batch.ticket[row], batch.subject[row]
    sure = float(batch.place_confidence[row])
    return encode(
        Complaint(
            source=batch.source[row],
            kind=batch.kind[row],
            subject=ticket,
            event_time_ms=int(batch.event_time_ms[row]),
            ingest_time_ms=int(batch.ingest_time_ms[row]),
            channel=Channel(batch.channel[row]),
            category=batch.category[row],
            place=batch.place[row],
            place_confidence=None if sure != sure else sure,  # noqa: PLR0124 - NaN
            datum=datum,
            lon_deg=lon_deg,
            lat_deg=lat_deg,
            chain=None if chain == ticket else chain,
        )
    )
