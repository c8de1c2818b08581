"""Laws of fusion: cut, crash, redelivery, order of arrival, and the grid against all pairs."""

import math
from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert, Severity, Transition
from schemas.codec import decode, encode
from schemas.incidents import Incident, IncidentAction, IncidentCommand
from schemas.records import RawBatch
from schemas.topics import ALERTS, INCIDENT_COMMANDS, INCIDENT_REPLIES, INCIDENTS
from streams.geo.fences import metres_per_degree
from streams.matters.fusion import Cells, distance_m
from streams.matters.policy import IncidentParams
from streams.matters.routing import AreaChain
from streams.operators.incidents import IncidentsOperator

T0_MS = 1_757_980_800_000
LON, LAT = 120.553, 27.575
PARAMS = msgspec.convert(
    {
        "links": [
            {"name": "a", "kinds": ["n.*", "crowd.gathering", "complaint.noise"]},
            {"name": "b", "kinds": ["complaint.noise", "g.x"], "alike": ["complaint.noise"]},
        ],
        "group_wait_s": 5.0,
        "shown_alone": ["crowd.gathering"],
        "life_kinds": ["g.x"],
        "storm_over": 3,
        "storm_s": 120,
        "flap_over": 3,
        "flap_s": 120,
        "reopen_s": 60,
        "forget_s": 86_400,
        "inhibit": [{"name": "i", "source": ["g.x"], "target": ["n.*"], "equal": ["community"]}],
        "modes": {"typhoon": {"mute": ["crowd.gathering"]}},
    },
    IncidentParams,
)
KINDS = ["n.loud", "crowd.gathering", "complaint.noise", "g.x"]


def where(incident):
    return AreaChain("m", "g", "c", "city") if incident.lat_deg is not None else None


def build():
    return IncidentsOperator("city", PARAMS, where)


def place(north_m):
    return {"lon_deg": LON, "lat_deg": LAT + north_m / metres_per_degree(LAT)[1]}


@st.composite
def logs(draw):
    """Give what is written down, in order: (instant, alert or command)."""
    steps = st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from("abc"),
        st.sampled_from(["onset", "onset", "clear", "notice", "silence", "mode", "split", "merge"]),
        st.integers(0, 40),
        st.sampled_from([0.0, 60.0, 140.0, 400.0]),
        st.booleans(),
    )
    at_ms, log, running = T0_MS, [], {}
    for count, step in enumerate(draw(st.lists(steps, max_size=25))):
        kind, name, what, wait_s, north_m, doubtful = step
        at_ms += wait_s * 1000
        subject = f"{kind}-{name}"
        if what in {"onset", "clear", "notice"}:
            begun = running.pop(subject, None)
            transition = Transition.NOTICE if what == "notice" else Transition.ONSET
            alert_id, onset_ms = f"{subject}@{count}", at_ms
            if begun and what != "notice":
                transition = Transition.CLEAR if what == "clear" else Transition.UPDATE
                alert_id, onset_ms = begun
            if transition in {Transition.ONSET, Transition.UPDATE}:
                running[subject] = (alert_id, onset_ms)
            log.append(
                (
                    at_ms,
                    Alert(
                        source="s", kind=kind, subject=subject, event_time_ms=at_ms,
                        id=f"m{count}", alert_id=alert_id, rule="r", transition=transition,
                        severity=Severity.MINOR, onset_time_ms=onset_ms, doubtful=doubtful,
                        life_safety=kind == "g.x", **place(north_m),
                    ),
                )
            )  # fmt: skip
        else:
            log.append((at_ms, (what, count, kind, wait_s)))
    return log


def command(wish, at_ms, newest):
    """Return a command about what is open at the time."""
    what, count, kind, wait_s = wish
    known = [one for one in newest.values() if not one.merged_into]
    actions = {"silence": IncidentAction.SILENCE, "merge": IncidentAction.MERGE}
    said = {"id": f"c{count}", "by": "a", "second": "b", "role": "desk", "reason": "r"}
    if what == "silence":
        said |= {"kinds": (kind,), "until_time_ms": at_ms + (1 + wait_s) * 1000}
    elif what == "mode":
        on = count % 2
        actions["mode"] = IncidentAction.MODE_ON if on else IncidentAction.MODE_OFF
        said |= {"mode": "typhoon"}
    elif what == "split":
        actions["split"] = IncidentAction.SPLIT
        linked = [one for one in known if one.links]
        one = linked[count % len(linked)] if linked else None
        said |= {"incident_id": one.incident_id if one else "?"}
        said |= {"alert_ids": (one.links[0].alert_id,) if one else ()}
    else:
        names = sorted(one.incident_id for one in known) or ["?"]
        said |= {"incident_id": names[0], "others": (names[-1],)}
    return IncidentCommand(
        source="s", kind="k", subject="city", event_time_ms=at_ms, action=actions[what], **said
    )


class City:
    """The operator with its durable rows; a crash may keep any beginning of a checkpoint."""

    def __init__(self):
        self.operator = build()
        self.rows = {}
        self.offsets = {ALERTS: 0, INCIDENT_COMMANDS: 0}
        self.said, self.replies, self.newest = [], [], {}
        self.taken = []

    def wake(self, at_ms):
        while (due_ms := self.operator.next_due_ms()) is not None and due_ms < at_ms:
            self._hear(self.operator.wake(due_ms, caught_up=True))

    def take(self, topic, records, at_ms):
        first = self.offsets[topic]
        self.offsets[topic] = first + len(records)
        batch = RawBatch(
            topic, 0, np.arange(first, first + len(records)), np.array(at_ms, np.int64),
            [b"city"] * len(records), [encode(one) for one in records],
        )  # fmt: skip
        self.taken.append(batch)
        self._hear(self.operator.take(batch, int(batch.ingest_time_ms[-1])))

    def again(self):
        """Deliver all again, as a broker does from the last offset that it knows, or before."""
        for batch in self.taken:
            self._hear(self.operator.take(batch, int(batch.ingest_time_ms[-1])))

    def _hear(self, outcome):
        for send in outcome.sends:
            if send.topic == INCIDENTS:
                one = decode(Incident, send.value)
                self.said.append(one)
                self.newest[one.incident_id] = one
            elif send.topic == INCIDENT_REPLIES:
                self.replies.append(send.value)

    def checkpoint(self, kept=None):
        """Write the rows that moved, or only the first `kept` of them."""
        for key, value in self.operator.changes()[:kept]:
            self.rows[key] = value

    def restart(self):
        self.operator = build()
        self.operator.restore([(k, v) for k, v in self.rows.items() if v is not None])


def run(log, crash=None):
    """Play a log; `crash` says how many rows a step keeps before all is delivered again."""
    city = City()
    for number, (at_ms, one) in enumerate(log):
        city.wake(at_ms)
        if isinstance(one, Alert):
            city.take(ALERTS, [one], [at_ms])
        else:
            city.take(INCIDENT_COMMANDS, [command(one, at_ms, city.newest)], [at_ms])
        if crash is not None and number in crash:
            city.checkpoint(crash[number])
            city.restart()
            city.again()
        elif crash is not None:
            city.checkpoint()
    city.wake(T0_MS + 10**8)
    return city


def facts(said):
    """Return what is known of each revision, but for when a worker wrote it down."""
    return {
        (one.incident_id, one.revision): msgspec.structs.replace(one, ingest_time_ms=0)
        for one in said
    }


@settings(max_examples=60)
@given(log=logs(), data=st.data())
def test_crashes_anywhere_in_checkpoints_change_nothing_that_is_said(log, data):
    whole = run(log)
    steps = st.integers(0, len(log))
    crashes = data.draw(st.dictionaries(steps, st.integers(0, 5), min_size=1, max_size=4))

    torn = run(log, crash=crashes)

    assert facts(torn.said) == facts(whole.said)
    assert set(torn.replies) == set(whole.replies)


@settings(max_examples=60)
@given(log=logs())
def test_revisions_rise_by_one_and_what_was_merged_is_told_again_only_once_split(log):
    newest = {}
    for one in run(log).said:
        before = newest.get(one.incident_id)
        assert one.revision == (before.revision + 1 if before else 1)
        assert not (before and before.merged_into and one.merged_into)
        assert one.actionable is not bool(one.held)
        if one.change == "reopened":
            assert before.state == "resolved"
        newest[one.incident_id] = one


@settings(max_examples=60)
@given(log=logs())
def test_every_alert_that_fires_is_in_one_open_incident(log):
    city = run(log)
    firing = {}
    for _, one in log:
        if isinstance(one, Alert) and one.transition is not Transition.NOTICE:
            firing[one.alert_id] = one.transition is not Transition.CLEAR
    holders = [
        name
        for one in city.newest.values()
        if one.state == "open" and not one.merged_into
        for name in one.alert_ids
    ]

    for alert_id, still in firing.items():
        if still:
            assert holders.count(alert_id) == 1, alert_id


@settings(max_examples=60)
@given(log=logs())
def test_redelivery_of_all_that_was_read_says_nothing(log):
    city = run(log)
    for batch in city.taken:
        assert city.operator.take(batch, T0_MS + 10**8).sends == []


@settings(max_examples=60)
@given(log=logs(), data=st.data())
def test_alerts_may_be_cut_into_any_batches(log, data):
    alerts = [step for step in log if isinstance(step[1], Alert)]
    points = data.draw(st.lists(st.integers(0, len(alerts)), max_size=4))
    one_by_one, city = run(alerts), City()
    for start, end in pairwise(sorted({0, *points, len(alerts)})):
        chunk = alerts[start:end]
        city.take(ALERTS, [a for _, a in chunk], [ms for ms, _ in chunk])
    city.wake(T0_MS + 10**8)

    def told(one):
        return msgspec.structs.replace(one, ingest_time_ms=0, created_time_ms=0, told_time_ms=0)

    assert [told(one) for one in city.said] == [told(one) for one in one_by_one.said]


@settings(max_examples=60)
@given(
    spots=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(KINDS[:3])), max_size=12),
    shuffle=st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_changes_no_partition_of_alerts_into_incidents(spots, shuffle):
    """Places a kilometre apart, alerts within 20 m and 10 min of each other at each."""
    log = []
    for number, (spot, kind) in enumerate(dict.fromkeys(spots)):
        at_ms = T0_MS + number * 1000
        alert = Alert(
            source="s", kind=kind, subject=f"{spot}-{kind}", event_time_ms=at_ms,
            id=f"m{number}", alert_id=f"{spot}-{kind}", rule="r", severity=Severity.MINOR,
            transition=Transition.ONSET, onset_time_ms=at_ms, **place(spot * 1000 + number),
        )  # fmt: skip
        log.append((T0_MS, alert))
    other = list(log)
    shuffle.shuffle(other)

    def parts(city):
        return {
            (frozenset(one.alert_ids), frozenset(one.senses), one.confidence)
            for one in city.newest.values()
            if one.rule != "storm"
        }

    assert parts(run(other)) == parts(run(log))


@settings(max_examples=80)
@given(
    points=st.lists(st.tuples(st.floats(-179, 179), st.floats(-60, 60)), min_size=1, max_size=8),
    offsets=st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200)), max_size=12),
)
def test_the_grid_finds_all_that_is_near(points, offsets):
    cells, placed = Cells(151.5), {}
    for number, (lon, lat) in enumerate(points):
        for turn, (east_m, north_m) in enumerate([(0.0, 0.0), *offsets]):
            east, north = metres_per_degree(lat)
            spot = (lon + east_m / east, lat + north_m / north)
            placed[f"{number}/{turn}"] = spot
            cells.add(f"{number}/{turn}", *spot)

    for spot in points:
        near = {name for name, other in placed.items() if distance_m(spot, other) <= 150}
        assert near <= set(cells.near(*spot))
    for name, spot in placed.items():
        cells.drop(name, *spot)
    assert not any(set(cells.near(*spot)) for spot in points)


@given(st.floats(-179, 179), st.floats(-60, 60), st.floats(-150, 150), st.floats(-150, 150))
def test_distances_are_those_of_the_ellipsoid(lon, lat, east_m, north_m):
    east, north = metres_per_degree(lat)
    apart_m = distance_m((lon, lat), (lon + east_m / east, lat + north_m / north))

    assert math.isclose(apart_m, math.hypot(east_m, north_m), rel_tol=1e-3, abs_tol=1e-3)
