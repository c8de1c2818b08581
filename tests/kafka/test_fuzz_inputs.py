"""Anything at all on every input topic: the workers live, and each record is accounted for.

The same processes that take the fuzz must take the good records among it. What
is surely bad is in the dead letters exactly once, what is surely good is not;
and of the rest, too, every record was either used or refused.
"""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyais import encode_dict

from deploy import topic_reader, topics_admin
from deploy.faults.consumed import until_consumed
from deploy.faults.fleet import Fleet, Place
from deploy.faults.kill import until_ready
from schemas import codec
from schemas.alerts import Alert, Severity, Transition
from schemas.commands import CaseAction, CaseCommand
from schemas.dispatch import DispatchUpdate, FieldAction
from schemas.incidents import Incident, IncidentChange, IncidentState
from schemas.positions import Position
from schemas.readings import Reading
from schemas.topics import (
    ALERTS,
    CASE_COMMANDS,
    CASE_REPLIES,
    DEADLETTER,
    DISPATCH_ORDERS,
    DISPATCH_UPDATES,
    INCIDENTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    TOPICS,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.matters.dispatch import case_id_of

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

HOUR_MS = 3_600_000
CONSUMED_S = 180.0
PER_TOPIC = 300


REPORT = {"msg_type": 1, "mmsi": 412420000, "lon": 120.95, "lat": 27.3, "speed": 3.0}
GOOD_SENTENCES = [
    encode_dict({**REPORT, "course": step}, talker_id="AI")[0].encode() for step in range(50)
]


class Fuzzed(NamedTuple):
    """A record, and what must become of it: None where that is open."""

    value: bytes | None
    is_bad: bool | None
    key: bytes = b"fuzz"


def drawn(strategy: st.SearchStrategy, count: int) -> list:
    """Return the same `count` examples of `strategy` at every call."""
    found: list = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(example) -> None:
        found.append(example)

    gather()
    return found


not_text = st.one_of(
    st.none(), st.booleans(), st.integers(), st.lists(st.integers(), max_size=3), st.just({"a": 1})
)
not_number = st.one_of(
    st.none(), st.booleans(), st.text("xyz", max_size=5), st.just([1.0]), st.just({"a": 1})
)
no_json = st.one_of(
    st.binary(max_size=60).map(lambda raw: b"\xff" + raw),
    st.text(max_size=60).map(lambda text: b"{" + text.encode()),
    st.sampled_from([b"", b"{", b"nul", b'{"a":}', b"\x00", b"[1,", b'"\xed\xa0\x80"']),
    st.integers(100, 60_000).map(lambda depth: b"[" * depth),
    st.integers(100, 30_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=10,
)


def spoilt(
    good: dict, texts: list[str], numbers: list[str], needed: list[str]
) -> st.SearchStrategy:
    """Return wire forms that are surely bad: `good` with one field spoilt."""

    def put(field: str, value: object) -> bytes:
        return json.dumps({**good, field: value}).encode()

    def raw_number(pair: tuple[str, bytes]) -> bytes:
        return orjson.dumps({**good, pair[0]: "@@"}).replace(b'"@@"', pair[1])

    ways = [
        st.builds(put, st.sampled_from(texts), not_text),
        st.sampled_from(needed).map(
            lambda field: orjson.dumps({name: good[name] for name in good if name != field})
        ),
        st.builds(
            put,
            st.just("event_time"),
            st.sampled_from(
                ["", "yesterday", "2025-05-20T15:00:00", "2025-13-40T99:00:00Z", "1e9", 12, None]
            ),
        ),
    ]
    if numbers:
        ways += [
            st.builds(put, st.sampled_from(numbers), not_number.filter(lambda v: v is not None)),
            st.tuples(
                st.sampled_from(numbers),
                st.sampled_from([b"NaN", b"-Infinity", b"1e400", b"9" * 400, b"1e308", b"-1e300"]),
            ).map(raw_number),
        ]
    return st.one_of(ways)


def fuzz(bad_ones: st.SearchStrategy) -> list[Fuzzed]:
    """Return bad records, and such of which nobody knows."""
    bad = drawn(st.one_of(no_json, bad_ones), PER_TOPIC)
    some = drawn(any_json.map(lambda value: json.dumps(value).encode()), 60)
    giants = [
        b"x" * 900_000,
        b'{"value": "' + b"y" * 900_000 + b'"}',
        b'"' + b"z" * 30_000_000 + b'"',  # small on the wire: it is compressed
    ]
    surely = [Fuzzed(value, is_bad=True) for value in [*bad, *giants, None]]
    return surely + [Fuzzed(value, is_bad=None) for value in some]


def wire(record) -> dict:
    return orjson.loads(codec.encode(record))


def a_reading(subject: str, at_ms: int, value: float = 5.0) -> Reading:
    return Reading(
        source="iot",
        kind="gas.combustible",
        subject=subject,
        event_time_ms=at_ms,
        value=value,
        unit="%LEL",
    )


def readings_fuzz(now_ms: int) -> list[Fuzzed]:
    """Return fuzz among good readings that end in a leak; then late and future ones."""
    good = wire(a_reading("LG-gas-001", now_ms - HOUR_MS))
    words = ["source", "kind", "subject", "unit"]
    needed = ["source", "kind", "subject", "event_time", "value", "unit"]
    first = now_ms - 600_000
    calm = [a_reading("gas-fuzz", first + step * 1000) for step in range(100)]
    leak = [a_reading("gas-fuzz", first + (100 + step) * 1000, 60.0) for step in range(100)]
    untimely = [
        a_reading("gas-fuzz", now_ms - 24 * HOUR_MS),
        a_reading("gas-fuzz", now_ms + HOUR_MS),
    ]
    return [
        *(Fuzzed(codec.encode(one), is_bad=False) for one in calm),
        *fuzz(spoilt(good, words, ["value"], needed)),
        *(Fuzzed(codec.encode(one), is_bad=False) for one in leak),
        *(Fuzzed(codec.encode(one), is_bad=True) for one in untimely),
    ]


def positions_fuzz(now_ms: int) -> list[Fuzzed]:
    """Return fuzz among a good boat's fixes, that go into the no-go zone."""

    def a_fix(step: int, at_ms: int) -> Position:
        return Position(
            source="beidou",
            kind="vessel.position",
            subject="bd:20578",
            event_time_ms=at_ms,
            lon_deg=120.76 + step * 0.002,
            lat_deg=27.45,
            sog_kn=9.0,
        )

    first = now_ms - 1_200_000
    fixes = [a_fix(step, first + step * 20_000) for step in range(40)]
    good = wire(fixes[0])
    needed = ["source", "kind", "subject", "event_time"]
    untimely = [a_fix(0, now_ms - 48 * HOUR_MS), a_fix(0, now_ms + HOUR_MS)]
    return [
        *(Fuzzed(codec.encode(one), is_bad=False) for one in fixes[:5]),
        *fuzz(spoilt(good, needed[:3], ["lon_deg", "lat_deg"], needed)),
        *(Fuzzed(codec.encode(one), is_bad=False) for one in fixes[5:]),
        *(Fuzzed(codec.encode(one), is_bad=True) for one in untimely),
    ]


def nmea_fuzz(_now_ms: int) -> list[Fuzzed]:
    """Return fuzz among good sentences; a blank or a comment is neither good nor bad."""
    good = GOOD_SENTENCES
    flips = drawn(st.tuples(st.sampled_from(good), st.integers(14, 40)), 100)
    flipped = [line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :] for line, place in flips]
    giants = [b"!AIVDM," + b"x" * 900_000, b"!AIVDM,1,1,,A," + b"0" * 2_000 + b",0*00"]
    anything = drawn(st.binary(max_size=200), PER_TOPIC)
    return [
        *(Fuzzed(line, is_bad=False) for line in good),
        *(Fuzzed(line, is_bad=True) for line in [*flipped, *giants, None]),
        *(Fuzzed(line, is_bad=None) for line in anything),
        *(Fuzzed(line, is_bad=False) for line in good),
    ]


def an_alert(subject: str, at_ms: int) -> Alert:
    return Alert(
        source="threshold",
        kind="gas.exceeded",
        subject=subject,
        event_time_ms=at_ms,
        id=f"alert-{subject}",
        alert_id=f"alert-{subject}",
        rule="threshold",
        transition=Transition.ONSET,
        severity=Severity.SEVERE,
        onset_time_ms=at_ms,
        lon_deg=120.553,
        lat_deg=27.575,
    )


def alerts_fuzz(now_ms: int) -> list[Fuzzed]:
    good = [an_alert(f"fuzz-{number}", now_ms - 1000) for number in range(20)]
    needed = ["alert_id", "rule", "transition", "severity", "onset_time", "event_time"]
    texts = ["alert_id", "rule", "transition", "severity", "kind", "subject"]
    bad = fuzz(spoilt(wire(good[0]), texts, ["revision"], needed))
    return spread([Fuzzed(codec.encode(one), is_bad=False) for one in good], bad)


def an_incident(subject: str, at_ms: int) -> Incident:
    return Incident(
        source="citybrain.incidents",
        kind="gas.exceeded",
        subject=subject,
        event_time_ms=at_ms,
        id=f"message-{subject}",
        incident_id=f"incident-{subject}",
        rule="threshold",
        state=IncidentState.OPEN,
        change=IncidentChange.OPENED,
        severity=Severity.SEVERE,
        revision=1,
        opened_time_ms=at_ms,
        created_time_ms=at_ms,
        first_seen_time_ms=at_ms,
        last_seen_time_ms=at_ms,
        alert_count=1,
        alert_ids=("a",),
        lon_deg=120.553,
        lat_deg=27.575,
    )


def incidents_fuzz(now_ms: int) -> list[Fuzzed]:
    good = [an_incident(f"by-hand-{number}", now_ms - 1000) for number in range(20)]
    texts = ["incident_id", "rule", "state", "change", "severity", "kind"]
    needed = [*texts[:5], "opened_time", "event_time", "revision"]
    bad = fuzz(spoilt(wire(good[0]), texts, ["revision", "alert_count"], needed))
    return spread([Fuzzed(codec.encode(one), is_bad=False) for one in good], bad)


def updates_fuzz(now_ms: int) -> list[Fuzzed]:
    """Return words about no case among the fuzz; those about real ones come later."""
    unknown = DispatchUpdate(
        source="field", kind="dispatch.update", subject="nobody's", event_time_ms=now_ms,
        action=FieldAction.ACCEPT, by="someone",
    )  # fmt: skip
    texts = ["action", "by", "subject", "kind"]
    needed = ["action", "by", "subject", "event_time"]
    bad = fuzz(spoilt(wire(unknown), texts, [], needed))
    return [*bad, Fuzzed(codec.encode(unknown), is_bad=True)]


def a_command(number: int, at_ms: int, **said: object) -> CaseCommand:
    return CaseCommand(
        source="field-app", kind="case.command", subject="city", event_time_ms=at_ms,
        id=f"command-{number}", action=CaseAction.STATUS, by="someone", unit="LG-fire", **said,
    )  # fmt: skip


def commands_fuzz(now_ms: int) -> list[Fuzzed]:
    """Return commands among the fuzz: what can be read is answered, even when it is nonsense."""
    places = [(120.5, 27.5), (1e300, 27.5), (120.5, -91.0), (181.0, None)]
    good = [
        a_command(number, now_ms, at_lon_deg=lon_deg, at_lat_deg=lat_deg)
        for number, (lon_deg, lat_deg) in enumerate(places * 5)
    ]
    texts = ["action", "by", "subject", "kind", "unit"]
    needed = ["action", "by", "subject", "event_time"]
    bad = fuzz(spoilt(wire(good[0]), texts, [], needed))
    return spread([Fuzzed(codec.encode(one), is_bad=False) for one in good], bad)


def spread(good: list[Fuzzed], bad: list[Fuzzed]) -> list[Fuzzed]:
    """Return `bad` with `good` spread over it."""
    every = max(1, len(bad) // len(good))
    mixed: list[Fuzzed] = []
    for number, one in enumerate(good):
        mixed += [one, *bad[number * every : (number + 1) * every]]
    return mixed + bad[len(good) * every :]


FUZZ: dict[str, Callable[[int], list[Fuzzed]]] = {
    SENSOR_READINGS: readings_fuzz,
    SENSOR_READINGS_URGENT: readings_fuzz,
    VESSEL_POSITIONS: positions_fuzz,
    VESSEL_NMEA: nmea_fuzz,
    ALERTS: alerts_fuzz,
    INCIDENTS: incidents_fuzz,
    DISPATCH_UPDATES: updates_fuzz,
    CASE_COMMANDS: commands_fuzz,
}


class Outcome(NamedTuple):
    """What was sent by topic, with its offsets, and what came of it."""

    sent: dict[str, dict[tuple[int, int], Fuzzed]]
    letters: list[dict]
    incidents: list[dict]
    orders: list[dict]
    replies: list[dict]
    metrics: dict[str, bytes]
    pids: tuple[dict[str, int], dict[str, int]]
    starts: list[str]


async def publish(address: str, topic: str, records: list[Fuzzed]) -> dict[tuple[int, int], Fuzzed]:
    """Publish records in their order; return them by partition and offset."""
    async with topic_reader.producer(address) as sender:
        sender._max_request_size = 64 << 20
        sent = [(one, await sender.send(topic, one.value, key=one.key)) for one in records]
        return {((place := await ack).partition, place.offset): one for one, ack in sent}


async def read_all(address: str, topic: str) -> list[ConsumerRecord]:
    reader = topic_reader.read(address, [topic], from_beginning=True, until_end=True)
    return [record async for records in reader for record in records]


async def run_fuzz(address: str, prefix: str, folder: Path) -> Outcome:
    now_ms = time.time_ns() // 1_000_000
    topics_admin.apply(address, topics_admin.prefixed(TOPICS, prefix), {})
    with Fleet(Place(address, prefix, folder)) as fleet:
        await until_ready(fleet, fleet.agents, CONSUMED_S)
        before = fleet.pids()
        sent = {
            topic: await publish(address, prefix + topic, make(now_ms))
            for topic, make in FUZZ.items()
        }
        await until_consumed(address, prefix, timeout_s=CONSUMED_S, look=fleet.look)
        words = [accept(f"incident-by-hand-{number}", now_ms) for number in range(5)]
        sent[DISPATCH_UPDATES] |= await publish(address, prefix + DISPATCH_UPDATES, words)
        await until_consumed(address, prefix, timeout_s=CONSUMED_S, look=fleet.look)
        metrics = {agent: fleet.metrics(agent) for agent in fleet.agents}
        pids = (before, fleet.pids())
    found = [
        [orjson.loads(record.value) for record in await read_all(address, prefix + topic)]
        for topic in (DEADLETTER, DISPATCH_ORDERS, CASE_REPLIES)
    ]
    incidents = [record.value for record in await read_all(address, prefix + INCIDENTS)]
    made = [loads_or_nothing(value) for value in incidents]
    letters, orders, replies = found
    return Outcome(sent, letters, made, orders, replies, metrics, pids, fleet.starts)


def accept(incident_id: str, at_ms: int) -> Fuzzed:
    update = DispatchUpdate(
        source="field", kind="dispatch.update", subject=case_id_of(incident_id),
        event_time_ms=at_ms, action=FieldAction.ACCEPT, by="unit",
    )  # fmt: skip
    return Fuzzed(codec.encode(update), is_bad=False)


def loads_or_nothing(value: bytes | None) -> dict:
    """Return a record of a topic that fuzz was put on as well."""
    try:
        said = msgspec.json.decode(value or b"")
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


@pytest.fixture(scope="module")
def outcome(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("fuzz")
    return asyncio.run(run_fuzz(broker, f"fuzz{time.time_ns() % 10**9}", folder))


def letters_of(outcome: Outcome, topic: str) -> Counter[tuple[int, int]]:
    return Counter(
        (letter["partition"], letter["offset"])
        for letter in outcome.letters
        if letter["topic"] == topic
    )


def counted(page: bytes, name: str, topic: str) -> int:
    """Return the sum of a counter over all its labels but `topic`."""
    lines = re.findall(rb"^" + name.encode() + rb"_total\{(.*)\} (\S+)$", page, re.MULTILINE)
    return sum(int(float(n)) for labels, n in lines if f'topic="{topic}"'.encode() in labels)


def test_no_worker_died(outcome: Outcome) -> None:
    before, after = outcome.pids

    assert after == before
    assert len(outcome.starts) == len(before)


@pytest.mark.parametrize("topic", FUZZ)
def test_each_bad_record_is_in_the_dead_letters_once_and_no_good_one_is(
    outcome: Outcome, topic: str
) -> None:
    letters = letters_of(outcome, topic)
    sent = outcome.sent[topic]
    missing = [one.value for at, one in sent.items() if one.is_bad and at not in letters]
    wrongly = [one.value for at, one in sent.items() if one.is_bad is False and at in letters]

    assert [(value or b"null")[:999] for value in missing] == []
    assert [(value or b"null")[:999] for value in wrongly] == []
    # A record of many lines, or a list, has a letter for each that is broken.
    assert [at for at, count in letters.items() if count > 1 and sent[at].is_bad] == []


def test_every_dead_letter_has_its_reason_its_stage_and_an_id_of_its_own(outcome: Outcome) -> None:
    assert len({letter["id"] for letter in outcome.letters}) == len(outcome.letters)
    for letter in outcome.letters:
        assert letter["reason"]
        assert letter["stage"]
    reasons = {letter["reason"] for letter in outcome.letters}
    assert {
        "not-json", "wrong-type", "missing-field", "too-deep", "too-large", "tombstone",
        "out-of-range", "bad-time", "naive-time", "late", "future", "checksum", "unknown-order",
    } <= reasons  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "agent"),
    [
        (SENSOR_READINGS, "readings"),
        (SENSOR_READINGS_URGENT, "urgent"),
        (VESSEL_POSITIONS, "positions"),
        (DISPATCH_UPDATES, "dispatch"),
        (CASE_COMMANDS, "dispatch"),
    ],
)
def test_of_the_records_taken_each_one_was_used_or_refused(
    outcome: Outcome, topic: str, agent: str
) -> None:
    page = outcome.metrics[agent]
    read = counted(page, "citybrain_records", topic)
    used = counted(page, "citybrain_events_used", topic)
    refused = counted(page, "citybrain_events_refused", topic)
    letters = letters_of(outcome, topic)

    decoded = len(GOOD_SENTENCES) * 2 if topic == VESSEL_POSITIONS else 0
    assert read == len(outcome.sent[topic]) + decoded
    assert used + len(letters) == read
    assert refused == letters.total()


def test_good_records_among_the_fuzz_had_their_effect(outcome: Outcome) -> None:
    matters = {said.get("subject") for said in outcome.incidents}
    assert {f"fuzz-{number}" for number in range(20)} <= matters
    assert "gas-fuzz" in matters
    assert "bd:20578" in matters

    ordered = {order["incident_id"] for order in outcome.orders if order["change"] == "issued"}
    assert {f"incident-by-hand-{number}" for number in range(20)} <= ordered
    moved = {order["incident_id"] for order in outcome.orders if order["change"] == "moved"}
    assert {f"incident-by-hand-{number}" for number in range(5)} == moved


def test_every_command_among_the_fuzz_is_answered_once(outcome: Outcome) -> None:
    answers = Counter((one["command_id"], one.get("reason", "")) for one in outcome.replies)

    told = {(f"command-{n}", "" if n % 4 == 0 else "bad-place"): 1 for n in range(20)}
    assert {key: count for key, count in answers.items() if key[0].startswith("command-")} == told
