"""Stories of one matter, told on virtual time through the operator.

`Desk` restarts its operator from its durable rows after every step, so each story
is also the promise that a restart changes nothing.
"""

import msgspec
import pytest

from schemas.alerts import Alert, Severity, Transition
from schemas.commands import CommandReply
from schemas.incidents import Incident, IncidentAction, IncidentCommand
from schemas.topics import ALERTS, INCIDENT_COMMANDS, INCIDENT_REPLIES, INCIDENTS
from streams.matters import recall
from streams.matters.policy import IncidentParams
from streams.matters.routing import AreaChain
from streams.operators.incidents import IncidentsOperator

LON, LAT = 120.553, 27.575
METRE_DEG = 1 / 110_800  # of latitude, here
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
TABLE = {
    "links": [
        {
            "name": "noise",
            "kinds": ["noise.*", "crowd.gathering", "complaint.noise"],
            "alike": ["complaint.noise"],
        },
        {"name": "fire", "kinds": ["smoke.*", "fire.*"], "alike": ["fire.*"]},
    ],
    "shown_alone": ["crowd.gathering"],
    "life_kinds": ["smoke.*", "fire.*"],
    "inhibit": [
        {
            "name": "feed-down",
            "source": ["feed.down"],
            "target": ["device.silent"],
            "equal": ["subject=area"],
        }
    ],
    "modes": {
        "typhoon": {
            "mute": ["stall.*"],
            "mute_single": ["rain.*"],
            "least": {"wind.*": "Severe"},
            "recall": [[25.0, 26.0], [27.5, 27.6]],
        }
    },
}


class Desk:
    """The incidents of a city, its clock, and what was said."""

    def __init__(self, kit, **params):
        self.kit = kit
        self.params = msgspec.convert(TABLE | params, IncidentParams)
        self.operator = self._begin()
        self.kept = kit.kept()
        self.logs = {topic: kit.log(topic) for topic in (ALERTS, INCIDENT_COMMANDS)}
        self.now_ms = kit.t0_ms
        self.said, self.replies, self.alerts = [], [], []
        self.count = 0

    def _begin(self):
        return IncidentsOperator("longgang", self.params, self._where)

    @staticmethod
    def _where(incident):
        return AreaChain("m-1", "g-1", "c-1", "longgang") if incident.lat_deg else None

    def at(self, second):
        """Let time go on, as the engine does: it wakes the operator at each due instant."""
        until_ms = self.kit.t0_ms + round(second * 1000)
        while (due_ms := self.operator.next_due_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self._hear(self.operator.wake(self.now_ms, caught_up=True))
        self.now_ms = until_ms
        return self

    def hears(self, transition, kind, north_m=0.0, **said):
        self.count += 1
        fields = {
            "subject": kind, "alert_id": f"{kind}@{said.get('subject', '')}", "area": "",
            "event_time_ms": self.now_ms, "onset_time_ms": self.now_ms,
            "lon_deg": LON, "lat_deg": LAT + north_m * METRE_DEG,
            "severity": Severity.MINOR, "rule": kind.partition(".")[0],
        } | said  # fmt: skip
        alert = Alert(
            source="citybrain", kind=kind, transition=transition, id=f"m{self.count}", **fields
        )
        batch = self.logs[ALERTS].batch(alert, taken_ms=self.now_ms)
        return self._hear(self.operator.take(batch, self.now_ms))

    def onset(self, kind, north_m=0.0, **said):
        return self.hears(Transition.ONSET, kind, north_m, **said)

    def clear(self, kind, north_m=0.0, **said):
        return self.hears(Transition.CLEAR, kind, north_m, **said)

    def notice(self, kind, north_m=0.0, **said):
        return self.hears(Transition.NOTICE, kind, north_m, **said)

    def commands(self, action, **said):
        self.count += 1
        fields = {
            "id": f"command-{self.count}", "by": "op-1", "role": "desk", "reason": "because",
        } | said  # fmt: skip
        command = IncidentCommand(
            source="screens", kind="incident.command", subject="longgang",
            event_time_ms=self.now_ms, action=action, **fields,
        )  # fmt: skip
        batch = self.logs[INCIDENT_COMMANDS].batch(command, taken_ms=self.now_ms)
        self._hear(self.operator.take(batch, self.now_ms))
        return self.replies[-1]

    def _hear(self, outcome):
        said = self.kit.sent(outcome, INCIDENTS, Incident)
        self.said += said
        self.replies += self.kit.sent(outcome, INCIDENT_REPLIES, CommandReply)
        self.alerts += self.kit.sent(outcome, ALERTS, Alert)
        self.kept.put(self.operator.changes())
        self.operator = self.kept.begin(self._begin())
        return said

    def newest(self):
        """Return the newest message of each incident, in the order of their opening."""
        newest = {}
        for one in self.said:
            before = newest.get(one.incident_id)
            assert one.revision == (before.revision + 1 if before else 1)
            newest[one.incident_id] = one
        return list(newest.values())

    def told(self):
        """Return the messages by which people were first allowed to act."""
        free, told = set(), []
        for one in self.said:
            if one.state == "open" and one.actionable and one.incident_id not in free:
                free.add(one.incident_id)
                told.append(one)
        return told


@pytest.fixture
def desk(kit):
    return Desk(kit)


def changes(said):
    return [one.change.value for one in said]


# -- one incident from several senses ------------------------------------------------


def test_a_meter_a_camera_and_a_caller_make_one_incident_and_each_says_why_it_joined(desk):
    (opened,) = desk.onset("noise.exceeded", value=68.0, limit=55.0)
    desk.at(60).onset("crowd.gathering", 40)
    desk.at(200).notice("complaint.noise", -100, subject="ticket-1")

    (incident,) = desk.newest()
    assert incident.incident_id == opened.incident_id
    assert (incident.kind, incident.subject) == ("noise.exceeded", "noise.exceeded")
    assert incident.senses == ("sensor", "camera", "caller")
    assert [(link.kind, link.sense, link.why) for link in incident.links] == [
        ("crowd.gathering", "camera", "noise"),
        ("complaint.noise", "caller", "noise"),
    ]
    assert [round(link.distance_m) for link in incident.links] == [40, 100]
    assert incident.state == "open"


def test_confidence_rises_with_each_independent_sense_and_not_with_a_second_caller(desk):
    desk.onset("noise.exceeded")
    desk.onset("crowd.gathering", 10, confidence=0.5)
    desk.notice("complaint.noise", 20, subject="ticket-1")
    desk.notice("complaint.noise", 20, subject="ticket-2")

    sure = dict.fromkeys(one.confidence for one in desk.said)
    assert list(sure) == [0.9, 0.95, 0.98]


@pytest.mark.parametrize(
    ("north_m", "second", "joins"),
    [(149, 0, True), (151, 0, False), (10, 599, True), (10, 601, False)],
)
def test_what_is_too_far_or_too_late_is_an_incident_of_its_own(desk, north_m, second, joins):
    desk.onset("noise.exceeded")
    desk.clear("noise.exceeded")
    desk.at(second).onset("complaint.noise", north_m, subject="ticket-1")

    assert len(desk.newest()) == (1 if joins else 2)


def test_as_long_as_a_matter_lasts_a_caller_joins_however_late(desk):
    desk.onset("noise.exceeded")
    desk.at(7_200).notice("complaint.noise", 30, subject="ticket-1")

    (incident,) = desk.newest()
    assert incident.links[0].gap_s == 0


def test_a_meter_joins_the_caller_who_was_first_and_the_incident_comes_back(desk):
    desk.notice("complaint.noise", subject="ticket-1")
    desk.at(120).onset("noise.exceeded", 30)
    desk.at(900).clear("noise.exceeded", 30)

    (incident,) = desk.newest()
    assert changes(desk.said) == ["opened", "resolved", "reopened", "resolved"]
    assert (incident.kind, incident.senses) == ("complaint.noise", ("caller", "sensor"))


def test_two_meters_near_each_other_are_two_matters(desk):
    desk.onset("noise.exceeded", subject="square-1")
    desk.onset("noise.exceeded", 20, subject="square-2")

    assert len(desk.newest()) == 2


def test_an_incident_ends_with_the_last_of_its_matters(desk):
    desk.onset("noise.exceeded")
    desk.onset("crowd.gathering", 10)
    desk.at(60).clear("noise.exceeded")
    (incident,) = desk.newest()
    assert incident.state == "open"

    desk.at(90).clear("crowd.gathering", 10)
    (incident,) = desk.newest()
    assert (incident.state, incident.change) == ("resolved", "resolved")


def test_of_several_open_incidents_the_nearest_takes_the_caller(desk):
    (far,) = desk.onset("noise.exceeded", -120, subject="square-1")
    (near,) = desk.onset("noise.exceeded", 60, subject="square-2")
    (said,) = [one for one in desk.notice("complaint.noise", subject="t") if one.state == "open"][
        :1
    ]

    assert said.incident_id == near.incident_id != far.incident_id


# -- who is sent -----------------------------------------------------------------------


def test_a_doubtful_camera_alone_sends_nobody_until_a_caller_says_the_same(desk):
    desk.onset("fire.seen", doubtful=True, confidence=0.3)
    assert desk.told() == []
    assert desk.said[-1].held == ("unsure",)

    desk.onset("fire.seen", 50, subject="camera-2", doubtful=True, confidence=0.4)
    assert desk.told() == []

    desk.at(30).onset("smoke.alarm", 20)
    (told,) = desk.told()
    assert told.released == "unsure"
    assert told.told_time_ms == desk.now_ms


def test_a_kind_that_is_only_shown_alone_sends_nobody_until_another_sense_joins(desk):
    desk.onset("crowd.gathering")
    assert desk.told() == []

    desk.notice("complaint.noise", 10, subject="ticket-1")
    assert len(desk.told()) == 1


def test_people_are_told_when_the_wait_for_company_ends_and_not_before(kit):
    desk = Desk(kit, group_wait_s=5.0)
    desk.onset("noise.exceeded")
    desk.at(4.9)
    assert desk.told() == []

    desk.at(5)
    (told,) = desk.told()
    assert (told.change, told.released) == ("updated", "grouping")
    assert told.told_time_ms == kit.t0_ms + 5_000


def test_what_ends_while_it_waits_is_told_to_nobody(kit):
    desk = Desk(kit, group_wait_s=5.0)
    desk.onset("noise.exceeded")
    desk.at(4).clear("noise.exceeded")
    desk.at(60)

    assert desk.told() == []
    assert changes(desk.said) == ["opened", "resolved"]


def test_what_lasted_longer_than_the_wait_is_told_even_where_a_replay_ends_it_at_once(kit):
    desk = Desk(kit, group_wait_s=5.0)
    desk.onset("noise.exceeded", event_time_ms=kit.t0_ms, onset_time_ms=kit.t0_ms)
    desk.clear("noise.exceeded", event_time_ms=kit.t0_ms + 600_000, onset_time_ms=kit.t0_ms)

    assert changes(desk.said) == ["opened", "updated", "resolved"]
    assert len(desk.told()) == 1


def test_a_matter_of_life_and_a_notice_never_wait(kit):
    desk = Desk(kit, group_wait_s=5.0)
    desk.onset("smoke.alarm", life_safety=True)
    desk.notice("complaint.noise", subject="ticket-1")

    assert len(desk.told()) == 2


# -- by hand -----------------------------------------------------------------------------


def test_a_wrong_link_is_split_and_the_pair_never_joins_again(desk):
    desk.onset("noise.exceeded")
    desk.onset("crowd.gathering", 10)
    (together,) = desk.newest()

    reply = desk.commands(
        IncidentAction.SPLIT,
        incident_id=together.incident_id,
        alert_ids=(together.links[0].alert_id,),
    )
    assert reply.accepted
    alone, crowd = desk.newest()
    assert (alone.links, alone.senses) == ((), ("sensor",))
    assert (crowd.kind, crowd.state, crowd.revision) == ("crowd.gathering", "open", 1)

    desk.at(60).clear("crowd.gathering", 10)
    desk.at(DAY_MS / 1000).onset("crowd.gathering", 10, alert_id="next-day")
    assert len(desk.newest()) == 3


def test_two_incidents_are_merged_by_hand_and_their_news_goes_to_the_one_that_stays(desk):
    (stays,) = desk.onset("noise.exceeded", subject="square-1")
    (goes,) = desk.onset("noise.exceeded", 80, subject="square-2")

    reply = desk.commands(
        IncidentAction.MERGE, incident_id=stays.incident_id, others=(goes.incident_id,)
    )
    assert (reply.accepted, reply.incident_id) == (True, stays.incident_id)
    first, second = desk.newest()
    assert (second.state, second.merged_into) == ("resolved", stays.incident_id)
    assert [(link.why, round(link.distance_m)) for link in first.links] == [("by-hand", 80)]

    desk.clear("noise.exceeded", subject="square-1")
    assert desk.newest()[0].state == "open"
    desk.clear("noise.exceeded", 80, subject="square-2")
    assert desk.newest()[0].state == "resolved"
    assert desk.newest()[1].revision == second.revision


def test_what_was_merged_by_hand_can_be_split_again_under_its_old_name(desk):
    (stays,) = desk.onset("noise.exceeded", subject="square-1")
    (goes,) = desk.onset("noise.exceeded", 80, subject="square-2")
    desk.commands(IncidentAction.MERGE, incident_id=stays.incident_id, others=(goes.incident_id,))

    desk.commands(
        IncidentAction.SPLIT, incident_id=stays.incident_id, alert_ids=("noise.exceeded@square-2",)
    )

    _, back = desk.newest()
    assert (back.incident_id, back.change, back.state) == (goes.incident_id, "reopened", "open")
    assert back.merged_into == ""


def test_a_command_sent_twice_is_done_once_and_answered_twice(desk):
    (stays,) = desk.onset("noise.exceeded", subject="square-1")
    (goes,) = desk.onset("noise.exceeded", 80, subject="square-2")
    command = {"incident_id": stays.incident_id, "others": (goes.incident_id,), "id": "once"}
    first = desk.commands(IncidentAction.MERGE, **command)
    count = len(desk.said)

    assert desk.commands(IncidentAction.MERGE, **command) == first
    assert len(desk.said) == count


SECOND = "second-person-required"


def quiet(**said):
    """Return the fields of a silence of noise for an hour, but for what is said."""
    return {"kinds": ("noise.*",), "until_time_ms": 1_757_980_800_000 + HOUR_MS} | said


REFUSED = [
    (IncidentAction.MERGE, {"incident_id": "none", "others": ("a",)}, "unknown-incident"),
    (IncidentAction.SPLIT, {"incident_id": "none"}, "unknown-incident"),
    (IncidentAction.SILENCE, quiet(kinds=()), "nothing-covered"),
    (IncidentAction.SILENCE, quiet(until_time_ms=None), "end-required"),
    (IncidentAction.SILENCE, quiet(until_time_ms=1), "end-required"),
    (IncidentAction.SILENCE, quiet(until_time_ms=1_757_980_800_001 + 7 * DAY_MS), "too-long"),
    (IncidentAction.SILENCE, quiet(kinds=("smoke.alarm",)), SECOND),
    (IncidentAction.SILENCE, quiet(kinds=(), area="c-1"), SECOND),
    (IncidentAction.SILENCE, quiet(kinds=("smoke.*",), second="op-1"), SECOND),
    (IncidentAction.SILENCE, quiet(by=" "), "by-required"),
    (IncidentAction.SILENCE, quiet(reason=""), "reason-required"),
    (IncidentAction.SILENCE, quiet(id=""), "id-required"),
    (IncidentAction.UNSILENCE, {"silence_id": "none"}, "unknown-silence"),
    (IncidentAction.MODE_ON, {"mode": "snow", "second": "op-2"}, "unknown-mode"),
    (IncidentAction.MODE_ON, {"mode": "typhoon"}, SECOND),
    (
        IncidentAction.MODE_ON,
        {"mode": "typhoon", "second": "op-2", "role": "viewer"},
        "duty-officer-required",
    ),
    (IncidentAction.MODE_OFF, {"mode": "typhoon", "second": "op-2"}, "not-on"),
    (IncidentAction.ROLL_CALL, {}, "one-boat-required"),
    (IncidentAction.ROLL_CALL, {"subjects": ("LG-V001", "LG-V002")}, "one-boat-required"),
    (
        IncidentAction.ROLL_CALL,
        {"subjects": ("LG-V001",), "until_time_ms": 1_757_980_800_000 + HOUR_MS},
        "answer-required",
    ),
    (
        IncidentAction.ROLL_CALL,
        {"subjects": ("LG-V001",), "until_time_ms": 1, "answered": True},
        "arrival-past",
    ),
]


@pytest.mark.parametrize(("action", "said", "reason"), REFUSED)
def test_a_refused_command_has_a_named_reason_and_a_hint_and_changes_nothing(
    desk, action, said, reason
):
    desk.onset("noise.exceeded")
    rows = {key: value for key, value in desk.kept.rows.items() if key.startswith(b"s\x00")}
    count = len(desk.said)

    reply = desk.commands(action, **said)

    assert (reply.accepted, reply.reason) == (False, reason)
    assert reply.hint
    assert len(desk.said) == count
    assert rows == {k: v for k, v in desk.kept.rows.items() if k.startswith(b"s\x00")}


def test_the_alert_that_opened_an_incident_cannot_be_split_away(desk):
    (opened,) = desk.onset("noise.exceeded")
    reply = desk.commands(
        IncidentAction.SPLIT, incident_id=opened.incident_id, alert_ids=opened.alert_ids
    )

    assert (reply.accepted, reply.reason) == (False, "opener-stays")


# -- silences ------------------------------------------------------------------------------


def silenced(desk, seconds=3_600, **said):
    fields = {"kinds": ("noise.*",), "until_time_ms": desk.now_ms + round(seconds * 1000)}
    return desk.commands(IncidentAction.SILENCE, **(fields | said))


def test_what_still_fires_when_a_silence_ends_is_told_then(desk):
    reply = silenced(desk)
    desk.at(60).onset("noise.exceeded")
    desk.at(3_599)
    assert desk.told() == []
    assert desk.said[-1].held == (f"silence:{reply.command_id}",)

    desk.at(3_600)
    (told,) = desk.told()
    assert told.released == f"silence:{reply.command_id}"
    assert told.told_time_ms == desk.now_ms


def test_an_end_passes_through_a_silence_and_is_listed_when_it_is_lifted(desk):
    reply = silenced(desk)
    desk.onset("noise.exceeded")
    (resolved,) = desk.at(60).clear("noise.exceeded")
    assert (resolved.change, resolved.actionable) == ("resolved", False)

    lifted = desk.at(120).commands(IncidentAction.UNSILENCE, silence_id=reply.command_id)
    (listed,) = desk.said[-1:]
    assert (listed.state, listed.released) == ("resolved", f"silence:{reply.command_id}")
    assert lifted.hint == "1 incidents to review"
    assert desk.told() == []


def test_what_was_merged_while_it_was_silenced_is_told_where_it_went_alone(desk):
    reply = silenced(desk)
    (stays,) = desk.onset("noise.exceeded", subject="square-1")
    (goes,) = desk.onset("noise.exceeded", 400, subject="square-2")
    desk.commands(IncidentAction.MERGE, incident_id=stays.incident_id, others=(goes.incident_id,))

    lifted = desk.at(60).commands(IncidentAction.UNSILENCE, silence_id=reply.command_id)

    assert [one.incident_id for one in desk.said if one.released] == [stays.incident_id]
    assert lifted.hint == "1 incidents to review"


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        ({"area": "c-1"}, True),
        ({"area": "g-1"}, True),
        ({"area": "c-2"}, False),
        ({"subjects": ("square-1",)}, True),
        ({"subjects": ("square-2",)}, False),
        ({"kinds": ("stall.*",)}, False),
    ],
)
def test_a_silence_covers_what_fits_all_that_it_names(desk, said, covered):
    silenced(desk, **said)
    desk.onset("noise.exceeded", subject="square-1")

    assert (desk.told() == []) is covered


def test_a_matter_of_life_is_silenced_by_two_persons_only(desk):
    silenced(desk, kinds=("smoke.*",), second="op-2")
    desk.onset("smoke.alarm", life_safety=True)

    assert desk.told() == []


def test_one_persons_silence_never_covers_what_turns_out_to_be_a_matter_of_life(desk):
    silenced(desk)
    desk.onset("noise.exceeded", life_safety=True)

    assert len(desk.told()) == 1


# -- inhibition ------------------------------------------------------------------------------


def test_while_a_feed_is_down_the_silence_of_its_devices_is_told_to_nobody(desk):
    desk.onset("feed.down", 5_000, subject="iot")
    desk.at(10).onset("device.silent", subject="meter-1", area="iot")
    desk.onset("device.silent", subject="meter-2", area="other")

    assert [one.subject for one in desk.told()] == ["iot", "meter-2"]
    assert desk.said[-2].held == ("inhibited:feed-down",)

    desk.at(60).clear("feed.down", 5_000, subject="iot")
    assert [one.subject for one in desk.told()][2:] == ["meter-1"]


# -- modes -----------------------------------------------------------------------------------


def typhoon(desk, action):
    return desk.commands(action, mode="typhoon", role="duty-officer", second="op-2")


def test_in_typhoon_mode_low_kinds_are_muted_and_reviewed_when_it_ends(desk):
    assert typhoon(desk, IncidentAction.MODE_ON).accepted
    desk.onset("stall.outside", subject="still-there")
    desk.onset("stall.outside", 400, subject="gone")
    desk.at(60).clear("stall.outside", 400, subject="gone")
    desk.onset("wind.gust", 900, severity=Severity.MODERATE)
    desk.onset("wind.gust", 1_900, subject="hard", severity=Severity.EXTREME)
    desk.onset("rain.heavy", 2_900)
    desk.onset("smoke.alarm", 3_900, life_safety=True)
    assert [one.kind for one in desk.told()] == ["wind.gust", "smoke.alarm"]

    reply = typhoon(desk.at(7_200), IncidentAction.MODE_OFF)
    listed = [one for one in desk.said if one.released == "mode:typhoon"]
    assert {(one.subject, one.state.value) for one in listed} == {
        ("still-there", "open"),
        ("gone", "resolved"),
        ("wind.gust", "open"),
        ("rain.heavy", "open"),
    }
    assert reply.hint == "4 incidents to review"


def puts_out(desk, subject="boat", north_m=0.0, **said):
    desk.onset("vessel.harbour", north_m, subject=subject, alert_id=f"stay-{subject}")
    out = {"reason": "exit held", "sentence": "示例渔驶出巴艚港", "alert_id": f"stay-{subject}"}
    return desk.clear("vessel.harbour", north_m, subject=subject, **{**out, **said})


def test_a_boat_that_leaves_while_it_is_recalled_is_an_incident_at_once_and_no_other(desk):
    puts_out(desk, "before")
    typhoon(desk.at(60), IncidentAction.MODE_ON)
    desk.at(120)
    puts_out(desk, "boat")
    puts_out(desk, "far north", north_m=20_000)
    puts_out(desk, "lost", reason="lost silence")
    desk.clear("vessel.no-go", subject="other", reason="exit held")
    desk.onset("vessel.harbour", subject="comes in")
    typhoon(desk.at(180), IncidentAction.MODE_OFF)
    puts_out(desk, "after")

    (alert,) = desk.alerts
    assert (alert.subject, alert.kind, alert.transition) == ("boat", recall.KIND, Transition.NOTICE)
    assert (alert.severity, alert.life_safety) == (Severity.SEVERE, True)
    assert alert.reason == "mode:typhoon 27.5-27.6N"
    assert alert.sentence == "示例渔驶出巴艚港，违反召回令（27.5-27.6N）"


def test_what_a_skipper_says_at_the_roll_call_is_taken_down(desk):
    boat = {"subjects": ("LG-V001",)}
    silent = desk.commands(IncidentAction.ROLL_CALL, reason="no answer", **boat)
    promise = {"answered": True, "until_time_ms": desk.now_ms + HOUR_MS}
    coming = desk.commands(IncidentAction.ROLL_CALL, reason="on his way", **boat, **promise)

    assert [(one.accepted, one.hint) for one in (silent, coming)] == [
        (True, "LG-V001 was called")
    ] * 2
    assert desk.said == []


def test_the_word_of_one_stay_that_comes_again_gives_the_same_alert(desk):
    typhoon(desk, IncidentAction.MODE_ON)
    puts_out(desk)
    puts_out(desk)

    first, second = desk.alerts
    assert (first.id, first.alert_id) == (second.id, second.alert_id)


# -- storms and flapping ------------------------------------------------------------------------


def test_the_twenty_first_incident_of_a_kind_makes_one_area_incident_with_all_as_children(kit):
    desk = Desk(kit, group_wait_s=60.0)
    for number in range(30):
        desk.at(number).onset("garbage.exposed", number * 300, subject=f"bin-{number}")
    desk.at(200)

    (told,) = desk.told()
    assert (told.rule, told.kind, told.area) == ("storm", "garbage.exposed", "c-1")
    children = [one for one in desk.newest() if one.rule != "storm"]
    assert len(children) == 30
    assert {one.parent for one in children} == {told.incident_id}
    assert {one.held for one in children} == {("storm",)}


def test_twenty_in_five_minutes_are_no_storm_and_neither_are_more_in_an_hour(desk):
    for number in range(40):
        desk.at(number * 90).onset("garbage.exposed", number * 300, subject=f"bin-{number}")

    assert {one.rule for one in desk.newest()} == {"garbage"}


def test_an_area_incident_tells_when_its_size_has_doubled_and_ends_with_its_last_child(desk):
    for number in range(50):
        desk.onset("garbage.exposed", number * 300, subject=f"bin-{number}")
    storm = [one for one in desk.said if one.rule == "storm"]
    assert [one.child_count for one in storm] == [21, 42]

    for number in range(50):
        desk.clear("garbage.exposed", number * 300, subject=f"bin-{number}")
    *_, last = [one for one in desk.said if one.rule == "storm"]
    assert (last.state, last.change, last.child_count) == ("resolved", "resolved", 50)
    assert all(one.state == "resolved" for one in desk.newest())


def test_a_storm_of_what_is_silenced_is_told_to_nobody(desk):
    silenced(desk, kinds=("garbage.*",))
    for number in range(25):
        desk.onset("garbage.exposed", number * 300, subject=f"bin-{number}")
    assert desk.told() == []

    desk.at(3_600)
    (told,) = desk.told()
    assert told.rule == "storm"


def test_what_comes_and_goes_is_held_open_told_once_and_ends_when_it_has_been_calm(desk):
    for turn in range(6):
        desk.at(turn * 120).onset("noise.exceeded", alert_id=f"a{turn}")
        desk.at(turn * 120 + 60).clear("noise.exceeded", alert_id=f"a{turn}")

    assert changes(desk.said) == [
        "opened", "resolved", "reopened", "resolved", "reopened",
        *["updated"] * 7,
    ]  # fmt: skip
    assert (desk.said[-1].flapping, desk.said[-1].state) == (True, "open")

    desk.at(660 + 1_799)
    assert desk.said[-1].flapping
    desk.at(660 + 1_800)
    assert (desk.said[-1].change, desk.said[-1].flapping) == ("resolved", False)
