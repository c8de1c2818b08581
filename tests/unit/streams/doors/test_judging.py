"""What a door answers to each event, before anything is published."""

from collections.abc import Callable

import msgspec
import pytest

from schemas.complaints import Complaint
from schemas.instants import format_instant
from schemas.readings import Reading
from streams.city.model import City
from streams.doors.judging import Judge
from streams.doors.sender import Sender
from streams.doors.verdict import ACCEPTED, Outcome

NOW_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z

Write = Callable[..., bytes]

NOISE = Sender("key-1", ("noise",))
EVERYONE = Sender("key-2", ("*",))


@pytest.fixture
def judge(city: City) -> Judge:
    return Judge(city)


def codes(judge: Judge, *items: bytes, sender: Sender = NOISE) -> list[str]:
    return [one.code for one in judge.judge(items, sender, NOW_MS).verdicts]


def test_one_bad_item_never_harms_its_neighbours(judge: Judge, reading: Write) -> None:
    items = [reading(), reading(value=None), reading(subject="meter-8"), b"{", reading(unit="m")]

    judged = judge.judge(items, NOISE, NOW_MS)

    assert [one.outcome for one in judged.verdicts] == [
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.REJECTED,
    ]
    assert [one.code for one in judged.verdicts[1:]] == [
        *("missing-field", "", "not-json", "unknown-unit"),
    ]
    assert judged.verdicts[1].field == "value"
    assert [(one.number, one.key) for one in judged.taken] == [(0, b"meter-7"), (2, b"meter-8")]
    assert judged.taken[0].value == items[0]


def test_the_kind_decides_the_topic_and_life_safety_has_its_own(
    judge: Judge, reading: Write
) -> None:
    at = format_instant(NOW_MS)
    smoke = reading(source="iot", kind="smoke.alarm", value=1, unit="1")
    stall = {"source": "cameras", "kind": "stall.outside", "subject": "c-1", "event_time": at}
    boat = {"source": "beidou", "kind": "vessel.position", "subject": "BD1", "event_time": at}
    call = {"source": "hotline", "kind": "complaint.noise", "subject": "T-1", "event_time": at}
    items = [
        reading(),
        smoke,
        msgspec.json.encode(stall | {"confidence": 0.8}),
        msgspec.json.encode(boat | {"lon_deg": 125.5, "lat_deg": 27.0}),
        msgspec.json.encode(call | {"channel": "12345", "category": "noise"}),
    ]

    judged = judge.judge(items, EVERYONE, NOW_MS)

    assert judged.verdicts == [ACCEPTED] * 5
    assert [(one.topic, one.key) for one in judged.taken] == [
        ("sensor.readings", b"meter-7"),
        ("sensor.readings.urgent", b"meter-7"),
        ("camera.detections", b"c-1"),
        ("vessel.positions", b"BD1"),
        ("citizen.complaints", b"longgang"),
    ]


def test_an_item_is_one_object_and_names_its_kind(judge: Judge, reading: Write) -> None:
    assert codes(judge, b"[" + reading() + b"]", b" [1]") == ["not-json", "not-json"]
    assert codes(judge, b"{}", b"5", b"null") == ["missing-field", "wrong-type", "wrong-type"]
    (unknown,) = judge.judge([reading(kind="noise.laequ")], NOISE, NOW_MS).verdicts
    assert (unknown.code, unknown.field) == ("unknown-kind", "kind")
    assert "did you mean noise.laeq" in unknown.hint


def test_what_the_sender_says_an_event_is_must_fit_its_kind(judge: Judge, reading: Write) -> None:
    (fits,) = judge.judge([reading()], NOISE, NOW_MS, Reading).verdicts
    (not_so,) = judge.judge([reading()], NOISE, NOW_MS, Complaint).verdicts

    assert fits == ACCEPTED
    assert not_so.code == "unknown-kind"
    assert "is a reading, not a complaint" in not_so.hint


def test_nobody_publishes_for_another_source_or_its_registered_device(
    judge: Judge, city: City, reading: Write
) -> None:
    of_iot = next(code for code, one in city.sensors.items() if one.source == "iot")
    camera = next(iter(city.cameras))

    assert codes(judge, reading(source="iot")) == ["foreign-source"]
    assert codes(judge, reading(subject=of_iot), reading(subject=camera)) == ["foreign-device"] * 2
    assert codes(judge, reading(source="nobody"), sender=EVERYONE) == ["unknown-source"]


def test_a_key_may_be_narrowed_to_kinds_and_subjects(judge: Judge, reading: Write) -> None:
    narrow = Sender("key-3", ("noise",), ("noise.laeq",), "meter-")

    assert codes(judge, reading(), sender=narrow) == [""]
    assert codes(judge, reading(kind="noise.lamax"), sender=narrow) == ["kind-out-of-scope"]
    assert codes(judge, reading(subject="other-1"), sender=narrow) == ["subject-out-of-scope"]


def test_an_event_ahead_of_the_doors_clock_is_refused_with_its_likely_cause(
    judge: Judge, reading: Write
) -> None:
    def ahead(seconds: float) -> bytes:
        return reading(event_time=format_instant(NOW_MS + round(seconds * 1000)))

    verdicts = judge.judge([ahead(60), ahead(61), ahead(8 * 3600 - 2)], NOISE, NOW_MS).verdicts

    assert [one.code for one in verdicts] == ["", "future", "future"]
    assert "61 s ahead" in verdicts[1].hint
    assert "local time sent as UTC" in verdicts[2].hint
    assert "+08:00" in verdicts[2].hint


def test_a_sender_cannot_move_the_time_of_intake_to_let_the_future_pass(
    judge: Judge, reading: Write
) -> None:
    later = format_instant(NOW_MS + 3_600_000)

    (verdict,) = judge.judge([reading(ingest_time=later)], NOISE, NOW_MS).verdicts

    assert (verdict.code, verdict.field) == ("future", "ingest_time")


def test_places_outside_the_city_are_refused_but_boats_go_where_they_like(
    judge: Judge, reading: Write
) -> None:
    outside = reading(lon_deg=116.4, lat_deg=39.9)
    swapped = reading(lon_deg=27.57, lat_deg=120.55)
    zero = reading(lon_deg=0, lat_deg=0)

    assert codes(judge, outside, swapped, zero) == ["outside-city", "out-of-range", "out-of-range"]
    boat = {"source": "ais", "kind": "vessel.position", "subject": "412000000"}
    far = boat | {"event_time": format_instant(NOW_MS), "lon_deg": 150.0, "lat_deg": 10.0}
    assert codes(judge, msgspec.json.encode(far), sender=EVERYONE) == [""]


def test_a_device_far_from_its_registered_place_is_taken_with_a_warning(
    judge: Judge, city: City, reading: Write
) -> None:
    code, one = next((c, s) for c, s in city.sensors.items() if s.source == "noise")

    def at(lon_deg: float, lat_deg: float) -> bytes:
        return reading(subject=code, lon_deg=lon_deg, lat_deg=lat_deg)

    near = at(one.lon_deg + 0.001, one.lat_deg)
    far = at(one.lon_deg + 0.01, one.lat_deg)
    like_gcj = at(one.lon_deg + 0.00395, one.lat_deg - 0.00333)
    verdicts = judge.judge([near, far, like_gcj], NOISE, NOW_MS).verdicts

    assert {verdict.outcome for verdict in verdicts} == {Outcome.ACCEPTED}
    assert [one.code for one in verdicts] == ["", "position-suspect", "position-suspect"]
    assert "GCJ-02" not in verdicts[1].hint
    assert "GCJ-02" in verdicts[2].hint


def test_refusals_go_to_the_account_of_who_sent_them(judge: Judge, reading: Write) -> None:
    assert judge.judge([b"{", reading(source="iot")], NOISE, NOW_MS).sources == ["noise", "noise"]
    assert judge.judge([b"{"], EVERYONE, NOW_MS).sources == [""]


def test_fields_that_nobody_knows_are_taken_and_counted(judge: Judge, reading: Write) -> None:
    judged = judge.judge([reading(firmware="1.2"), reading(firmware="1.3")], NOISE, NOW_MS)

    assert judged.verdicts == [ACCEPTED] * 2
    assert judged.unknown_fields == {"firmware": 2}
