"""The laws that every rule obeys. A rule joins by one entry in `LAWS`.

*Cut*: where a batch is cut makes no difference. *Isolation*: a subject alone is
told the same as among others. *Redelivery*: rows that were seen before say
nothing. *Purity*: inputs are not written to, the same in gives the same out.
*Round trip*: state survives its table.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from schemas.alerts import Severity
from schemas.complaints import ComplaintBatch
from schemas.detections import DetectionBatch
from schemas.positions import Position, PositionBatch
from schemas.readings import ReadingBatch
from streams import columns
from streams.city.model import Closure
from streams.geo.fences import Fence, FenceIndex, FencePurpose
from streams.operators.lanes import ColumnRunner, ObjectRunner, Times
from streams.registry import (
    COMPLAINT_RULES,
    DETECTION_RULES,
    POSITION_RULES,
    READING_RULES,
    RuleEntry,
)
from streams.rules import (
    complaints,
    detections,
    distress,
    fences,
    moratorium,
    silence,
    speed,
    threshold,
)
from streams.rules.complaints import Called
from streams.rules.detections import Watched
from streams.rules.threshold import Kind
from streams.vessels import tracks
from streams.vessels.alerts import Setting
from streams.vessels.register import VesselRecord, register

S = 1_000
LONG_AFTER_MS = 10_000_000_000


class Law(NamedTuple):
    """A rule under the laws.

    Attributes:
        entry: As the registry has it.
        setting: What the rule is told besides rows and state.
        batches: Draws a batch in event-time order, with some rows of one instant.
        alone_by: Column whose values are judged apart from each other: a rule
            about silence hears by its feed who else is there.
    """

    entry: RuleEntry
    setting: Any
    batches: st.SearchStrategy[Any]
    alone_by: str = "subject"


@st.composite
def readings(draw):
    """Readings of three sensors, each of several kinds, one of them not watched."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1 * S, 20 * S, 45 * S, 700 * S]),
                st.sampled_from(["a", "b", "c"]),
                st.sampled_from(["water.level", "water.level", "manhole.tilt", "noise.laeq"]),
                st.sampled_from([1.0, 2.6, 3.0, 3.2, 3.6, 5.0]),
            ),
            min_size=1,
            max_size=30,
        )
    )
    size = len(rows)
    times_ms = np.cumsum([wait for wait, *_ in rows]) + 1_700_000_000_000
    return ReadingBatch(
        ["iot"] * size,
        [kind for _, _, kind, _ in rows],
        [subject for _, subject, _, _ in rows],
        times_ms,
        times_ms,
        np.array([value for *_, value in rows]),
        np.linspace(120.5, 120.6, size),
        np.full(size, np.nan),
        np.arange(size),
        np.arange(size),
    )


_KINDS = threshold.Params(
    kinds={
        "noise.laeq": Kind(
            unit="dB(A)", by_station=True, station_margin=0.5, severity=(Severity.MINOR,)
        ),
        "water.level": Kind(
            unit="m", levels=(3.0, 4.0), clear=(2.5, 3.5), for_s=40, keep_for_s=30,
            unseen_s=600, severity=(Severity.MODERATE, Severity.SEVERE),
        ),
        "manhole.tilt": Kind(
            unit="deg", levels=(3.0,), severity=(Severity.MINOR,), at_least=2, of_last=3
        ),
    }
)  # fmt: skip
LEVELS = threshold.setting_of(_KINDS, {"noise.laeq": {"a": (3.1,), "b": (2.0,)}})

MINUTE = 60 * S


@st.composite
def sightings(draw):
    """Detections of two cameras, of kinds judged each in its way, sure and unsure."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1 * S, 20 * S, 90 * S, 200 * S, 700 * S]),
                st.sampled_from(["cam-1", "cam-2"]),
                st.sampled_from(["fire.seen", "stall.outside", "garbage.exposed"]),
                st.sampled_from([0.1, 0.5, 0.6, 0.9, 0.95]),
                st.sampled_from([0, 3]),
            ),
            min_size=1,
            max_size=30,
        )
    )
    size = len(rows)
    times_ms = np.cumsum([wait for wait, *_ in rows]) + 1_700_000_000_000
    return DetectionBatch(
        ["cameras"] * size,
        [kind for _, _, kind, *_ in rows],
        [camera for _, camera, *_ in rows],
        times_ms,
        times_ms,
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows], np.int64),
        [f"{at_ms}.jpg" if row[4] else "" for row, at_ms in zip(rows, times_ms, strict=True)],
        np.linspace(120.5, 120.6, size),
        np.full(size, np.nan),
        np.arange(size),
        np.arange(size),
    )


CONFIDENCES = detections.Params(
    fold_s=60,
    fold_at_most_s=200,
    kinds={
        "fire.seen": Watched(
            confident=0.8, doubtful=0.5, at_least=2, of_last=3, clear_s=100,
            severity=Severity.EXTREME, label="fire", life_safety=True,
        ),
        "stall.outside": Watched(
            confident=0.8, doubtful=0.6, severity=Severity.MINOR, label="stall"
        ),
    },
)  # fmt: skip


@st.composite
def tickets(draw):
    """Tickets of three chains, some said twice, some without a place."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1 * S, 20 * MINUTE, 70 * MINUTE]),
                st.sampled_from(["c-1", "c-2", "t-9"]),
                st.sampled_from(["complaint.noise", "complaint.other", "complaint.gas"]),
                st.sampled_from(["t-1", "t-2", "t-9"]),
                st.sampled_from([0.2, 0.7, 0.9, np.nan]),
            ),
            min_size=1,
            max_size=30,
        )
    )
    size = len(rows)
    times_ms = np.cumsum([wait for wait, *_ in rows]) + 1_700_000_000_000
    lon_deg = np.where(np.arange(size) % 3 > 0, 120.5, np.nan)
    return ComplaintBatch(
        ["hotline"] * size,
        [kind for _, _, kind, *_ in rows],
        [chain for _, chain, *_ in rows],
        times_ms,
        times_ms,
        [row[3] for row in rows],
        ["110" if number % 2 else "12345" for number in range(size)],
        ["music" if number % 2 else "pets" for number in range(size)],
        ["here"] * size,
        np.array([row[4] for row in rows]),
        lon_deg,
        np.where(np.isnan(lon_deg), np.nan, 27.5),
        np.arange(size),
        np.arange(size),
    )


CALLS = complaints.Params(
    categories={"music": "complaint.noise"},
    kinds={
        "complaint.noise": Called(severity=Severity.MINOR, label="noise", keep_s=3_600),
        "complaint.gas": Called(severity=Severity.SEVERE, label="gas", keep_s=1_000),
    },
)

HERE, NEAR, THERE, HARBOUR, CLOSED = (
    (121.0, 27.0), (121.01, 27.0), (121.9, 27.4), (120.55, 27.45), (121.25, 27.25)
)  # fmt: skip


@st.composite
def positions(draw):
    """Positions of vessels on two feeds, a ship of a wrong status, a distress device."""
    vessels = ["412420001", "412420002", "bd:1", "bd:2", "538001652", "970412001"]
    waits = [0, 1 * S, 30 * S, 1 * MINUTE, 10 * MINUTE, 31 * MINUTE, 150 * MINUTE]
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(waits),
                st.sampled_from([*vessels[:2], *vessels]),
                st.sampled_from([HERE, NEAR, HERE, THERE, HARBOUR, CLOSED]),
                st.sampled_from([0.1, 3.0, 9.0, np.nan]),
                st.sampled_from([-1, 0, 5, 14]),
                st.sampled_from([None] * 8 + ["trawl", "gillnet", "SART ACTIVE"]),
            ),
            min_size=1,
            max_size=30,
        )
    )  # fmt: skip
    size = len(rows)
    times_ms = np.cumsum([wait for wait, *_ in rows]) + 1_700_000_000_000
    said = [word for *_, word in rows]
    lon_deg, lat_deg = np.array([place for _, _, place, *_ in rows]).T
    told_place = np.array([word is None for word in said])
    sog_kn = np.array([row[3] for row in rows])
    return PositionBatch(
        [_source(subject) for _, subject, *_ in rows],
        ["vessel.position" if word is None else "vessel.static" for word in said],
        [subject for _, subject, *_ in rows],
        times_ms,
        times_ms,
        np.where(told_place, lon_deg, np.nan),
        np.where(told_place, lat_deg, np.nan),
        np.where(told_place, sog_kn, np.nan),
        np.full(size, 90.0),
        np.full(size, np.nan),
        np.where(told_place, np.array([row[4] for row in rows]), -1),
        np.arange(size),
        np.arange(size),
        [_said(row, int(at_ms)) for row, at_ms in zip(rows, times_ms, strict=True)],
    )


def _source(subject):
    return "beidou" if subject.startswith("bd:") else "ais"


def _said(row, at_ms):
    _, subject, *_, word = row
    if word is None:
        return None
    is_text = word.endswith("ACTIVE")
    return Position(
        source=_source(subject),
        kind="vessel.safety-text" if is_text else "vessel.static",
        subject=subject,
        event_time_ms=at_ms,
        text=word if is_text else None,
        gear=None if is_text else word,
        name=None if is_text else "NET 7" if word == "gillnet" else "BOAT",
    )


def _waters():
    def fence(id_, purpose, bounds, **more):
        return Fence(id=id_, name=id_, purpose=purpose, geometry=box(*bounds), **more)

    near = (120.9, 26.9, 121.1, 27.1)
    return FenceIndex(
        [
            fence("harbour", FencePurpose.HARBOUR, (120.5, 27.4, 120.6, 27.5)),
            fence("closed", FencePurpose.NO_GO, (121.2, 27.2, 121.3, 27.3)),
            fence("slow", FencePurpose.SPEED_LIMIT, near, speed_limit_kn=8),
            fence("watched", FencePurpose.DWELL_WATCH, near, dwell_s=900),
            fence("shore", FencePurpose.COVERAGE, (120.0, 26.5, 121.3, 28.0)),
            fence("band", FencePurpose.MORATORIUM, (118, 26.5, 127, 35)),
        ]
    )


_SEASON = Closure(
    code="general",
    name="general",
    fence="band",
    gears=frozenset({"trawl"}),
    seasons_ms=((1_700_000_000_000 + 40 * MINUTE, 1_700_000_000_000 + 600 * MINUTE),),
)
_REGISTER = register([VesselRecord(code="V2", name="b", mmsi="412420002", gear="trawl")])


def _vessel_law(rule, alone_by="subject"):
    entry = POSITION_RULES[rule.NAME]
    setting = Setting(entry.params(), _waters(), _REGISTER, (_SEASON,))
    return Law(entry, setting, positions(), alone_by)


LAWS: Mapping[str, Law] = {
    threshold.NAME: Law(READING_RULES[threshold.NAME], LEVELS, readings()),
    detections.NAME: Law(DETECTION_RULES[detections.NAME], CONFIDENCES, sightings()),
    complaints.NAME: Law(COMPLAINT_RULES[complaints.NAME], CALLS, tickets()),
    **{rule.NAME: _vessel_law(rule) for rule in (distress, tracks, fences, speed, moratorium)},
    silence.NAME: _vessel_law(silence, alone_by="source"),
}

pytestmark = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


def runner(law):
    kind = ColumnRunner if law.entry.is_columnar else ObjectRunner
    return kind(law.entry, law.setting)


def state(ran):
    """Return the whole state, key by key, comparable."""
    if isinstance(ran, ColumnRunner):
        held = ran._columns
        return {name: row.tobytes() for name, row in zip(held.keys, held.rows, strict=True)}
    return {key: msgspec.msgpack.encode(value) for key, value in ran._states.items()}


def run(ran, batch, reached_ms=0):
    """Let the rule see the rows, sealed, and what is due by their end; return its alerts."""
    for column in batch:
        if isinstance(column, np.ndarray):
            column.flags.writeable = False
    if columns.length(batch):
        reached_ms = max(reached_ms, int(batch.event_time_ms[-1]))
    return ran.run(batch, Times(reached_ms, reached_ms)).alerts


def end(ran):
    return ran.close(Times(LONG_AFTER_MS * S, LONG_AFTER_MS * S)).alerts


def told(alerts):
    return sorted(
        (msgspec.json.encode(alert) for alert in alerts),
        key=lambda raw: (msgspec.json.decode(raw)["event_time_ms"], raw),
    )


def parts(data, batch):
    size = columns.length(batch)
    inner = data.draw(st.sets(st.integers(0, size), max_size=4), label="cuts")
    return [columns.take(batch, slice(*edges)) for edges in pairwise(sorted({0, size} | inner))]


@settings(max_examples=60)
@given(data=st.data())
def test_cut_where_a_batch_is_cut_makes_no_difference(law, data):
    batch = data.draw(law.batches)
    whole, cut = runner(law), runner(law)
    expected = run(whole, batch) + end(whole)
    alerts = [alert for part in parts(data, batch) for alert in run(cut, part)] + end(cut)

    assert told(alerts) == told(expected)
    assert state(cut) == state(whole)
    assert len({alert.id for alert in alerts}) == len(alerts)


@settings(max_examples=40)
@given(data=st.data())
def test_isolation_a_subject_alone_is_told_the_same_as_among_others(law, data):
    batch = data.draw(law.batches)
    among = runner(law)
    expected = run(among, batch) + end(among)

    names = getattr(batch, law.alone_by)
    for chosen in set(names):
        alone = runner(law)
        its_rows = columns.take(batch, np.array([name == chosen for name in names]))
        alerts = run(alone, its_rows) + end(alone)
        its_subjects = set(its_rows.subject)
        assert told(alerts) == told([a for a in expected if a.subject in its_subjects])


@settings(max_examples=60)
@given(data=st.data())
def test_redelivery_rows_seen_before_say_nothing_and_change_nothing(law, data):
    batch = data.draw(law.batches)
    ran = runner(law)
    run(ran, batch)
    reached_ms, before = int(batch.event_time_ms[-1]), state(ran)
    size = columns.length(batch)
    first = data.draw(st.integers(0, size), label="first")
    last = data.draw(st.integers(first, size), label="last")

    assert run(ran, columns.take(batch, slice(first, last)), reached_ms) == []
    assert state(ran) == before


@settings(max_examples=40)
@given(data=st.data())
def test_purity_the_same_in_gives_the_same_out_and_nothing_in_gives_nothing(law, data):
    batch = data.draw(law.batches)
    cut = data.draw(st.integers(0, columns.length(batch)), label="cut")
    before, after = columns.take(batch, slice(0, cut)), columns.take(batch, slice(cut, None))
    one, other = runner(law), runner(law)
    for ran in (one, other):
        run(ran, before)

    assert run(one, columns.empty(type(before))) == []
    assert state(one) == state(other)
    assert told(run(one, after)) == told(run(other, after))
    assert state(one) == state(other)


@settings(max_examples=60)
@given(data=st.data())
def test_round_trip_a_state_taken_from_its_table_goes_on_as_before(law, data):
    batch = data.draw(law.batches)
    whole, now = runner(law), runner(law)
    expected = run(whole, batch) + end(whole)
    alerts, table = [], {}
    for part in parts(data, batch):
        alerts += run(now, part)
        table.update(now.changes())
        now = runner(law)
        for key, value in sorted(table.items()):
            if value is not None:
                now.restore(key, value)
    alerts += end(now)

    assert told(alerts) == told(expected)
    assert state(now) == state(whole)
