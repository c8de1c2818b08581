"""Laws of correlation: cut, isolation, redelivery, purity, round trip, one open incident."""

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert, Severity, Transition
from schemas.incidents import IncidentChange, IncidentState
from streams.matters.correlate import Matter, correlate
from streams.matters.policy import IncidentParams

PARAMS = IncidentParams(silent_kinds=("x.info",), notice_kinds=("x.open*",))
MINUTE = 60_000


@st.composite
def stories(draw):
    """Give alerts of two matters, each alert as a rule tells it: onset to clear, in time."""
    steps = st.tuples(
        st.sampled_from(["m1", "m2"]),
        st.sampled_from(["begin", "begin", "update", "update", "end", "correct", "notice"]),
        st.sampled_from(["x.loud", "x.loud", "x.info"]),
        st.integers(0, 3),
        st.integers(1, 20),
        st.none() | st.floats(0, 100),
    )
    at_min, alerts, running, over = 0, [], {}, {}
    for subject, what, kind, which, wait_min, value in draw(st.lists(steps, max_size=40)):
        at_min += wait_min
        mine = running.setdefault(subject, [])
        ended = over.setdefault(subject, [])
        if what in {"begin", "notice"}:
            alert = {"alert_id": f"{subject}/{at_min}", "onset_time_ms": at_min * MINUTE}
            alert |= {"kind": kind, "transition": Transition.ONSET}
            if what == "begin":
                mine.append(alert)
            else:
                alert |= {"transition": Transition.NOTICE, "kind": "x.note" if which else "x.open"}
        elif what == "correct" and (mine or ended):
            told = [*mine, *ended]
            alert = {**told[which % len(told)], "transition": Transition.CORRECTION}
        elif what in {"update", "end"} and mine:
            alert = mine[which % len(mine)]
            alert["transition"] = Transition.UPDATE if what == "update" else Transition.CLEAR
            if what == "update":
                alert["kind"] = kind
            else:
                mine.remove(alert)
                ended.append(alert)
        else:
            continue
        alerts.append(
            Alert(
                source="citybrain",
                subject=subject,
                event_time_ms=at_min * MINUTE,
                id=f"message-{at_min}",
                rule="x",
                severity=Severity.MINOR,
                value=value,
                limit=50.0,
                rung=which,
                **alert,
            )
        )
    return alerts


def run(alerts, cuts=(), now_ms=10**12, prior=None):
    """Correlate in pieces, states through the table's codec in between."""
    said, matters = [], dict(prior or {})
    edges = [0, *sorted(cuts), len(alerts)]
    for start, end in pairwise(edges):
        frozen = {key: msgspec.msgpack.encode(matter) for key, matter in matters.items()}
        incidents, changed = correlate(alerts[start:end], matters, now_ms, PARAMS)
        assert frozen == {key: msgspec.msgpack.encode(m) for key, m in matters.items()}
        said += incidents
        for key, matter in changed.items():
            matters[key] = msgspec.msgpack.decode(msgspec.msgpack.encode(matter), type=Matter)
    return said, matters


@settings(max_examples=60)
@given(alerts=stories(), data=st.data())
def test_cutting_the_alerts_anywhere_gives_the_same_incidents(alerts, data):
    cuts = data.draw(st.lists(st.integers(0, len(alerts)), max_size=4))

    assert run(alerts, cuts) == run(alerts)


@settings(max_examples=60)
@given(alerts=stories(), data=st.data())
def test_redelivery_of_any_part_gives_nothing_new(alerts, data):
    start = data.draw(st.integers(0, len(alerts)))
    end = data.draw(st.integers(start, len(alerts)))
    _, matters = run(alerts)

    assert run(alerts[start:end], prior=matters) == ([], matters)


@settings(max_examples=40)
@given(alerts=stories(), wall_ms=st.integers(0, 2 * 10**12))
def test_wall_time_decides_no_id(alerts, wall_ms):
    def ids(said):
        return [(one.id, one.incident_id, one.change, one.revision) for one in said]

    assert ids(run(alerts)[0]) == ids(run(alerts, now_ms=wall_ms)[0])


@settings(max_examples=60)
@given(alerts=stories())
def test_each_matter_alone_says_the_same_as_among_others(alerts):
    said, _ = run(alerts)

    for subject in ("m1", "m2"):
        alone, _ = run([alert for alert in alerts if alert.subject == subject])
        assert alone == [incident for incident in said if incident.subject == subject]


@settings(max_examples=80)
@given(alerts=stories())
def test_a_matter_has_one_open_incident_at_most_and_counts_its_revisions(alerts):
    newest = {}
    for incident in run(alerts)[0]:
        before = newest.get(incident.subject)
        if incident.change is IncidentChange.OPENED:
            assert before is None or before.state is IncidentState.RESOLVED
            assert incident.revision == 1
        else:
            assert incident.incident_id == before.incident_id
            assert incident.revision == before.revision + 1
        if incident.change is IncidentChange.REOPENED:
            assert before.state is IncidentState.RESOLVED
        newest[incident.subject] = incident
