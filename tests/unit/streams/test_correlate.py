import msgspec
import pytest

from schemas.alerts import Alert, Severity, Transition
from schemas.incidents import IncidentChange, IncidentState
from streams.matters.correlate import Matter, correlate, matter_key
from streams.matters.policy import IncidentParams

MINUTE = 60_000
PARAMS = IncidentParams(silent_kinds=("noise.warn", "vessel.harbour*"), notice_kinds=("vessel.*",))


def an_alert(transition, at_min, alert_id="a1", **changes):
    at_ms = int(at_min * MINUTE)
    facts = {
        "source": "citybrain",
        "kind": "noise.exceeded",
        "subject": "meter-1",
        "area": "square-1",
        "rule": "noise",
        "event_time_ms": at_ms,
        "onset_time_ms": at_ms,
        "alert_id": alert_id,
        "transition": transition,
        "severity": Severity.MODERATE,
        "id": f"{alert_id}/{transition}/{at_ms}",
    }
    return Alert(**{**facts, **changes})


def onset(at_min, alert_id="a1", **changes):
    return an_alert(Transition.ONSET, at_min, alert_id, **changes)


def update(at_min, alert_id="a1", **changes):
    return an_alert(Transition.UPDATE, at_min, alert_id, **changes)


def clear(at_min, alert_id="a1", **changes):
    return an_alert(Transition.CLEAR, at_min, alert_id, **changes)


def notice(at_min, alert_id="n1", **changes):
    return an_alert(Transition.NOTICE, at_min, alert_id, **{"kind": "vessel.two-hulls", **changes})


class Incidents:
    """The correlator with its table, as an engine would keep it."""

    def __init__(self, params=PARAMS):
        self.params = params
        self.matters = {}
        self.now_ms = 10**12

    def hears(self, *alerts):
        self.now_ms += 7
        said, changed = correlate(alerts, self.matters, self.now_ms, self.params)
        for key, matter in changed.items():
            raw = msgspec.msgpack.encode(matter)
            self.matters[key] = msgspec.msgpack.decode(raw, type=Matter)
        return said


def changes(incidents):
    return [incident.change.value for incident in incidents]


def test_an_onset_opens_and_a_clear_resolves_with_its_reason():
    city = Incidents()
    opened, resolved = city.hears(onset(0), clear(5, reason="self-corrected"))

    assert changes([opened, resolved]) == ["opened", "resolved"]
    assert (resolved.state, resolved.reason) == (IncidentState.RESOLVED, "self-corrected")
    assert resolved.incident_id == opened.incident_id
    assert (opened.revision, resolved.revision) == (1, 2)


def test_wall_time_is_written_down_once_and_kept():
    city = Incidents()
    (opened,) = city.hears(onset(0))
    (updated,) = city.hears(update(1))

    assert opened.created_time_ms == updated.created_time_ms == opened.ingest_time_ms
    assert updated.ingest_time_ms > updated.created_time_ms


def test_one_matter_keeps_its_worst_and_its_newest():
    city = Incidents()
    said = city.hears(
        onset(0, value=66.0, limit=60.0, unit="dB(A)", rung=1, severity=Severity.MINOR),
        update(3, value=71.5, limit=60.0, rung=2, severity=Severity.SEVERE, sentence="loud"),
        update(4, value=63.0, limit=60.0, rung=2, severity=Severity.MINOR, life_safety=True),
    )

    last = said[-1]
    assert (last.peak_value, last.limit, last.unit) == (71.5, 60.0, "dB(A)")
    assert (last.rung, last.severity, last.sentence) == (2, Severity.SEVERE, "loud")
    assert last.life_safety
    assert (last.first_seen_time_ms, last.last_seen_time_ms) == (0, 4 * MINUTE)
    assert (last.alert_count, last.alert_ids) == (3, ("a1",))


def test_where_too_little_is_the_trouble_the_lowest_value_is_the_peak():
    city = Incidents()
    said = city.hears(onset(0, value=19.0, limit=19.5), update(1, value=17.2, limit=19.5))

    assert said[-1].peak_value == 17.2


def test_another_rule_subject_or_area_is_another_matter():
    city = Incidents()
    said = city.hears(
        onset(0),
        onset(0, "a2", area="park"),
        onset(0, "a3", subject="meter-2"),
        onset(0, "a4", rule="threshold"),
    )

    assert changes(said) == ["opened"] * 4
    assert len({incident.incident_id for incident in said}) == 4


def test_a_fire_and_garbage_before_one_camera_are_two_matters():
    city = Incidents()
    camera = {"rule": "detections", "subject": "cam-1", "area": ""}

    city.hears(onset(0, "a1", kind="garbage.exposed", **camera))
    (fire,) = city.hears(onset(0, "a2", kind="fire.seen", **camera))

    assert fire.change is IncidentChange.OPENED
    assert fire.kind == "fire.seen"
    assert len({matter.incident.incident_id for matter in city.matters.values()}) == 2


def test_it_stays_open_until_the_last_of_its_alerts_clears():
    city = Incidents()
    said = city.hears(onset(0), onset(1, "a2"), clear(2), clear(3, "a2"))

    assert changes(said) == ["opened", "updated", "updated", "resolved"]
    assert said[-1].alert_ids == ("a1", "a2")


@pytest.mark.parametrize(("gap_min", "change"), [(15, "reopened"), (15.001, "opened")])
def test_what_comes_back_within_the_reopen_time_is_the_same_incident(gap_min, change):
    city = Incidents()
    first, _ = city.hears(onset(0), clear(5))
    (back,) = city.hears(onset(5 + gap_min, "a2"))

    assert back.change == change
    assert (back.incident_id == first.incident_id) is (change == "reopened")
    assert back.reopened_count == (1 if change == "reopened" else 0)
    assert back.state is IncidentState.OPEN


def test_reopening_looks_at_event_time_and_never_at_the_wall():
    fast, slow = Incidents(), Incidents()
    alerts = [onset(0), clear(5), onset(15, "a2"), clear(16, "a2"), onset(99, "a3")]
    said = fast.hears(*alerts)
    later = []
    for alert in alerts:
        slow.now_ms += 86_400_000
        later += slow.hears(alert)

    assert [(i.id, i.incident_id) for i in said] == [(i.id, i.incident_id) for i in later]


def test_a_redelivered_alert_says_nothing():
    city = Incidents()
    alerts = [onset(0), update(1), clear(5), onset(10, "a2")]
    city.hears(*alerts)

    assert city.hears(*alerts) == []
    assert city.hears(alerts[1]) == []


def test_doubles_older_than_what_is_remembered_are_still_doubles():
    city = Incidents()
    alerts = [onset(0), *(update(minute) for minute in range(1, 300))]
    city.hears(*alerts)

    assert city.hears(*alerts) == []
    (matter,) = city.matters.values()
    assert len(matter.seen) == 64


def test_what_meant_nothing_before_the_incident_means_nothing_when_it_comes_again():
    city = Incidents()
    whisper = notice(2, "n1", kind="noise.note")
    city.hears(whisper, onset(3))

    assert city.hears(whisper) == []


def test_information_never_opens_an_incident_but_its_alert_may_grow_into_one():
    city = Incidents()

    assert city.hears(onset(0, kind="noise.warn")) == []
    assert city.hears(onset(0, "h1", kind="vessel.harbour-in")) == []
    assert changes(city.hears(update(1))) == ["opened"]
    assert changes(city.hears(clear(2, kind="noise.warn"))) == ["resolved"]


def test_the_end_and_the_correction_of_what_never_was_an_incident_are_nothing():
    city = Incidents()

    assert city.hears(clear(0), an_alert(Transition.CORRECTION, 1)) == []
    assert city.matters == {}


def test_a_correction_of_something_else_does_not_hold_an_incident_open():
    city = Incidents()
    said = city.hears(onset(0), an_alert(Transition.CORRECTION, 1, "other"), clear(2))

    assert changes(said) == ["opened", "resolved"]


def test_a_correction_restates_figures_and_wakes_nobody():
    city = Incidents()
    city.hears(onset(0, value=66.0, limit=60.0), clear(5))
    fix = an_alert(Transition.CORRECTION, 3, value=75.0, limit=60.0, revision=1)
    (said,) = city.hears(fix)

    assert (said.change, said.state) == (IncidentChange.UPDATED, IncidentState.RESOLVED)
    assert said.peak_value == 75.0


def test_a_notice_opens_and_resolves_at_once():
    opened, resolved = Incidents().hears(notice(0))

    assert changes([opened, resolved]) == ["opened", "resolved"]
    assert opened.incident_id == resolved.incident_id
    assert opened.id != resolved.id


def test_the_same_notice_again_is_only_counted():
    city = Incidents()
    city.hears(notice(0))
    (again,) = city.hears(notice(10, "n2"))

    assert (again.change, again.state) == (IncidentChange.UPDATED, IncidentState.RESOLVED)
    assert again.alert_count == 2


def test_a_notice_of_other_kinds_is_nothing_where_no_incident_is():
    city = Incidents()
    whisper = notice(2, "n1", kind="noise.note")

    assert city.hears(whisper) == []
    city.hears(onset(3))
    assert changes(city.hears(notice(4, "n2", kind="noise.note"))) == ["updated"]


def test_only_an_ended_matter_may_be_forgotten_a_day_after_it_last_moved():
    city = Incidents()
    city.hears(onset(0), clear(5), onset(0, "b", subject="meter-2"))
    ended, running = matter_key(onset(0)), matter_key(onset(0, subject="meter-2"))

    assert city.matters[ended].due_ms == city.now_ms + 86_400_000
    assert city.matters[running].due_ms is None


def test_a_reopen_time_longer_than_the_memory_is_refused():
    with pytest.raises(msgspec.ValidationError, match="forget_s"):
        msgspec.convert({"reopen_s": 900, "forget_s": 900}, IncidentParams)
