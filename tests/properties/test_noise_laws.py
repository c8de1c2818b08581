"""The noise rule against a plain model that takes one second at a time, and its laws."""

import math
from copy import deepcopy
from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.readings import ReadingBatch
from streams.columns import take
from streams.event_time import Sequencer, Timing
from streams.local_time import utc_offsets
from streams.noise.limits import LimitRow, Venue, compile_limits
from streams.noise.posts import NoiseSensor, place_sensors
from streams.rules import noise

LIMIT_DB = 60.0
# Small, so that a hundred seconds climb the whole ladder.
PARAMS = noise.Params(
    window_s=4, minimum_share=0.5, warn_for_s=3, exceed_for_s=5, listen_s=6, grid_worker_s=9,
    clear_for_s=6, reminder_rest_s=25, silence_s=8,
)  # fmt: skip
SQUARE = Venue(code="square", name="广场", area_class="2", lon_deg=120.55, lat_deg=27.58)
WARD = Venue(code="ward", name="病区", area_class="2", lon_deg=120.6, lat_deg=27.6, use="hospital")
LIMITS = compile_limits(
    [LimitRow(limit_db=LIMIT_DB, area_class="2")],
    [SQUARE, WARD],
    {},
    utc_offsets([(0, 8 * 3_600_000)]),
)
SETTING = place_sensors(
    PARAMS,
    LIMITS,
    {"square": SQUARE, "ward": WARD},
    {"a": NoiseSensor(venue="square"), "b": NoiseSensor(venue="ward")},
)
BASE_S = 1_780_000_000
LEVELS_DB = (20.0, 54.5, 56.5, 57.5, 59.0, 60.0, 61.0, 75.0, 100.0)
FOREVER_MS = 2**60

stretch = st.tuples(
    st.sampled_from(["a", "b"]),
    st.integers(1, 14),
    st.sampled_from(LEVELS_DB),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.integers(0, 9),
)


@st.composite
def readings(draw):
    """Give (sensor, second, level) in event-time order: stretches, holes, second readings."""
    clock = {"a": 0, "b": 0}
    rows = []
    for sensor, lasts, level_db, step, gap in draw(st.lists(stretch, min_size=4, max_size=30)):
        begins = clock[sensor] + (gap if gap > 6 else 0)
        rows += [(sensor, second, level_db) for second in range(begins, begins + lasts, step)]
        clock[sensor] = begins + lasts
    if rows and draw(st.booleans()):
        rows.append((rows[-1][0], rows[-1][1], 30.0))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def batch(rows):
    numbers = np.arange(len(rows))
    times_ms = np.array([(BASE_S + row[1]) * 1000 for row in rows], dtype=np.int64)
    nowhere = np.full(len(rows), np.nan)
    columns = (times_ms, times_ms, np.array([row[2] for row in rows], dtype=np.float64),
               nowhere, nowhere, numbers, numbers)  # fmt: skip
    for column in columns:
        column.setflags(write=False)
    return ReadingBatch(
        ["meter"] * len(rows), ["noise.laeq"] * len(rows), [row[0] for row in rows], *columns
    )


def run(batches, *, closing=True):
    """Evaluate as the engine does: each batch, then what fell due by its watermark."""
    state, alerts = {}, []
    for part in batches:
        verdict = noise.evaluate(part, state, SETTING)
        alerts += verdict.alerts
        state = {**state, **verdict.changed}
        if closing and len(part.event_time_ms):
            alerts += _closed(state, int(part.event_time_ms[-1]))
    alerts += _closed(state, FOREVER_MS)
    return sorted(alerts, key=lambda a: (a.event_time_ms, a.inputs[0])), state


def _closed(state, watermark_ms):
    verdict = noise.close(sorted(state), state, watermark_ms, SETTING)
    state.update(verdict.changed)
    return verdict.alerts


class Model:
    """One sensor, second by second, in the words of the ladder's description."""

    def __init__(self, *, mute):
        self.mute = mute
        self.levels = {}
        self.newest = None
        self.judged = None
        self.since = {}
        self.warned = self.onset = self.next = self.called = None
        self.rung = 0
        self.said = []

    def hear(self, second, level_db):
        if second in self.levels:
            return
        self.silence(second)
        self.levels[second] = level_db
        self.newest = second
        window = [self.levels[s] for s in range(second - 3, second + 1) if s in self.levels]
        if len(window) < 2:
            return
        mean = sum(10 ** (db / 10) for db in window) / len(window)
        self.judge(second + 1, round(10 * math.log10(mean), 3) - LIMIT_DB)

    def silence(self, second):
        if self.newest is None or second < self.newest + 1 + PARAMS.silence_s:
            return
        due = self.newest + 1 + PARAMS.silence_s
        if self.onset is not None:
            self.say(due, "noise.exceeded", "clear", "no-data", self.rung)
        if self.warned is not None:
            self.say(due, "noise.warn", "clear", "no-data", 0)
        self.since, self.warned, self.onset, self.next, self.rung = {}, None, None, None, 0

    def judge(self, now, excess):
        if self.judged is None or now - self.judged > PARAMS.window_s:
            self.since = {}
        self.judged = now
        verdicts = {
            "over": excess > 0,
            "near": excess > -3,
            "calm": excess < -2,
            "far": excess < -4,
        }
        wanted = {
            "over": self.onset is None,
            "near": self.onset is None and self.warned is None,
            "calm": self.onset is not None,
            "far": self.warned is not None,
        }
        self.since = {
            name: self.since.get(name, now) for name in verdicts if verdicts[name] and wanted[name]
        }
        if self.held("calm", now, PARAMS.clear_for_s):
            self.say(now, "noise.exceeded", "clear", "self-corrected", self.rung)
            self.onset, self.next, self.rung = None, None, 0
            self.since = {"near": now} if verdicts["near"] else {}
        elif self.held("over", now, PARAMS.exceed_for_s):
            if self.warned is not None:
                self.say(now, "noise.warn", "clear", "exceeded", 0)
            self.warned, self.onset = None, self.since["over"]
            self.since = {}
            self.climb(now, "onset")
        elif self.onset is not None and excess > 0 and self.next is not None and now >= self.next:
            self.climb(now, "update")
        if self.held("far", now, PARAMS.clear_for_s):
            self.say(now, "noise.warn", "clear", "receded", 0)
            self.warned, self.since = None, {}
        elif self.held("near", now, PARAMS.warn_for_s):
            self.warned = self.since.pop("near")
            self.say(now, "noise.warn", "onset", "approaching", 0)

    def held(self, name, now, for_s):
        return name in self.since and now - self.since[name] >= for_s

    def climb(self, now, transition):
        reason = "still-over"
        if self.rung == 2:
            self.rung, self.next = 3, None
        elif self.rung == 1 or self.mute or self.rests(now):
            if self.rung == 0:
                reason = "no-loudspeaker-here" if self.mute else "reminder-rests"
            self.rung, self.next = 2, now + PARAMS.grid_worker_s
        else:
            reason, self.rung, self.called = "over-limit-held", 1, now
            self.next = now + PARAMS.listen_s
        self.say(now, "noise.exceeded", transition, reason, self.rung)

    def rests(self, now):
        return self.called is not None and now < self.called + PARAMS.reminder_rest_s

    def say(self, *what):
        self.said.append(what)


def modelled(rows):
    models = {"a": Model(mute=False), "b": Model(mute=True)}
    for sensor, second, level_db in rows:
        models[sensor].hear(second, level_db)
    for model in models.values():
        model.silence(10**9)
    return {sensor: model.said for sensor, model in models.items()}


def spoken(alerts, sensor):
    return [
        (a.event_time_ms // 1000 - BASE_S, a.kind, str(a.transition), str(a.reason), a.rung)
        for a in alerts
        if a.inputs[0] == sensor
    ]


@given(readings())
@settings(max_examples=150, deadline=None)
def test_it_says_what_a_plain_model_says(rows):
    alerts, _ = run([batch(rows)])

    assert {sensor: spoken(alerts, sensor) for sensor in "ab"} == modelled(rows)


@given(readings(), st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=80, deadline=None)
def test_cutting_a_batch_anywhere_changes_nothing(rows, cuts):
    whole = batch(rows)
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [take(whole, slice(begins, ends)) for begins, ends in pairwise(edges)]

    assert run(parts, closing=False) == run([whole], closing=False)
    assert run(parts)[0] == run([whole])[0]


@given(readings())
@settings(max_examples=50, deadline=None)
def test_each_sensor_alone_says_the_same(rows):
    together, _ = run([batch(rows)])

    for sensor in "ab":
        alone, _ = run([batch([row for row in rows if row[0] == sensor])])
        assert [a for a in together if a.inputs[0] == sensor] == alone


@given(readings(), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_redelivery_on_a_later_state_says_nothing_and_changes_nothing(rows, begins, ends):
    whole = batch(rows)
    state = noise.evaluate(whole, {}, SETTING).changed
    again = noise.evaluate(take(whole, slice(min(begins, ends), max(begins, ends))), state, SETTING)

    assert again.alerts == []
    assert {**state, **again.changed} == state


@given(readings(), st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_it_is_pure_and_its_state_survives_the_table(rows, cut):
    whole = batch(rows)
    first = noise.evaluate(take(whole, slice(0, cut)), {}, SETTING).changed
    before = deepcopy(first)
    stored = {
        key: msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=noise.Hearing)
        for key, state in first.items()
    }
    rest = take(whole, slice(cut, None))
    once = noise.evaluate(rest, first, SETTING)

    assert stored == first
    assert first == before
    assert once == noise.evaluate(rest, stored, SETTING)
    assert noise.evaluate(take(whole, slice(0, 0)), first, SETTING) == ([], {}, [])


@given(readings(), st.randoms(use_true_random=False), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_any_arrival_order_within_the_bound_says_the_same(rows, dice, size):
    bound_s = 5
    rows = [(sensor, second, level_db) for (sensor, second), level_db in
            {(row[0], row[1]): row[2] for row in rows}.items()]  # fmt: skip
    whole = batch(rows)
    timing = Timing(bound_s * 1000, 0)
    order = sorted(range(len(rows)), key=lambda i: (rows[i][1] + dice.uniform(0, bound_s - 0.1), i))
    arrived = take(whole, np.array(order, dtype=np.int64))._replace(offset=np.arange(len(rows)))
    sequencer = Sequencer({"meter": timing}, timing, ReadingBatch)
    now_ms = (BASE_S + 100_000) * 1000
    parts = []
    for begins in range(0, len(rows), size):
        released = sequencer.push(take(arrived, slice(begins, begins + size)), now_ms)
        assert not released.late
        parts.append(released.batch)
    parts.append(sequencer.advance(now_ms + 10**9).batch)
    parts.append(sequencer.advance(now_ms + 2 * 10**9).batch)

    assert sum(len(part.row) for part in parts) == len(rows)
    assert run(parts)[0] == run([whole])[0]
