"""The roll-call: who is not in harbour, by band of latitude."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from schemas.incidents import IncidentAction, IncidentCommand
from streams.geo.fences import Fence, FenceIndex, FencePurpose
from streams.vessels.calls import Called, newest_calls
from streams.vessels.register import VesselRecord, register
from streams.vessels.rollcall import STALE_MS, Fix, Whereabouts, band_of, roll_call

NOW_MS = 1_757_980_800_000
FENCES = FenceIndex(
    [
        Fence(id=name, name=name, purpose=purpose, geometry=box(*edges))
        for name, purpose, edges in (
            ("bacao", FencePurpose.HARBOUR, (120.6, 27.4, 120.7, 27.5)),
            ("no-go", FencePurpose.NO_GO, (121.0, 27.0, 122.0, 28.0)),
        )
    ]
)
BOATS = register(
    [
        VesselRecord(code="V1", name="in harbour", mmsi="412000001"),
        VesselRecord(code="V2", name="at sea", beidou="7"),
        VesselRecord(code="V3", name="both", mmsi="412000003", beidou="8"),
        VesselRecord(code="V4", name="never heard", mmsi="412000004"),
        VesselRecord(code="V5", name="long silent at sea", mmsi="412000005"),
        VesselRecord(code="V6", name="long silent in harbour", mmsi="412000006"),
    ]
)
HARBOUR, SEA = (120.65, 27.45), (121.5, 27.6)


def at(place, ago_ms=0):
    return Fix(*place, NOW_MS - ago_ms)


FIXES = {
    "412000001": at(HARBOUR),
    "bd:7": at(SEA),
    "412000003": at(SEA, 60_000),
    "bd:8": at(HARBOUR, 10_000),
    "412000005": at(SEA, STALE_MS + 1),
    "412000006": at(HARBOUR, 10 * STALE_MS),
    "999999999": at(SEA),
}


def test_each_boat_answers_once_with_the_newest_of_its_identities():
    call = roll_call(BOATS, FIXES, FENCES, NOW_MS)

    assert {one.vessel.code: one.whereabouts.value for one in call.answers} == {
        "V1": "in-harbour",
        "V2": "at-sea",
        "V3": "in-harbour",
        "V4": "unheard",
        "V5": "unheard",
        "V6": "in-harbour",
    }


def test_those_who_are_missing_come_first_and_are_counted_by_band():
    call = roll_call(BOATS, FIXES, FENCES, NOW_MS)

    assert [one.vessel.code for one in call.missing] == ["V2", "V5", "V4"]
    assert call.answers[: len(call.missing)] == call.missing
    assert call.bands["27.5-28.0N"][Whereabouts.AT_SEA] == 1
    assert call.bands["unknown"] == {
        Whereabouts.AT_SEA: 0,
        Whereabouts.UNHEARD: 1,
        Whereabouts.IN_HARBOUR: 0,
    }


@pytest.mark.parametrize(
    ("lat_deg", "band"), [(27.5, "27.5-28.0N"), (27.4999, "27.0-27.5N"), (-0.2, "00.0-00.5S")]
)
def test_the_lower_edge_is_in_its_band(lat_deg, band):
    assert band_of(lat_deg, 0.5) == band


@given(
    st.dictionaries(
        st.sampled_from(sorted(BOATS)),
        st.tuples(st.floats(120, 122), st.floats(26, 30), st.integers(0, 10 * STALE_MS)),
    )
)
def test_every_boat_is_called_and_counted_once(heard):
    fixes = {name: at((lon, lat), ago) for name, (lon, lat, ago) in heard.items()}
    call = roll_call(BOATS, fixes, FENCES, NOW_MS)

    assert sorted(one.vessel.code for one in call.answers) == ["V1", "V2", "V3", "V4", "V5", "V6"]
    assert sum(sum(counts.values()) for counts in call.bands.values()) == 6


def call_to(boat, name, minutes_ago, action=IncidentAction.ROLL_CALL, **said):
    fields = {"subjects": (boat,), "by": "coast-1", "reason": "called"} | said
    return IncidentCommand(
        source="s", kind="incident.command", subject="longgang", id=name, action=action,
        event_time_ms=NOW_MS - minutes_ago * 60_000, **fields,
    )  # fmt: skip


def test_of_each_boat_the_newest_accepted_call_counts_however_they_are_read():
    promise = {"answered": True, "until_time_ms": NOW_MS + 3_600_000, "reason": "off Nanji"}
    said = [
        call_to("V2", "second", 5, **promise),
        call_to("V2", "first", 30),
        call_to("V2", "refused", 1),
        call_to("V4", "silence", 2, action=IncidentAction.SILENCE),
        call_to("V5", "two at once", 2, subjects=("V5", "V6")),
    ]

    assert newest_calls(said, {"first", "second", "silence", "two at once"}) == {
        "V2": Called(NOW_MS - 300_000, "coast-1", True, NOW_MS + 3_600_000, "off Nanji")
    }


def test_a_promise_is_broken_at_its_own_instant():
    called = Called(0, "coast-1", answered=True, arrives_ms=NOW_MS, words="")

    assert (called.is_broken(NOW_MS - 1), called.is_broken(NOW_MS)) == (False, True)
    assert not called._replace(arrives_ms=None).is_broken(NOW_MS)


def test_each_boat_has_what_its_skipper_said():
    calls = {code: Called(NOW_MS, "coast-1", False, None, "no answer") for code in ("V2", "V4")}

    call = roll_call(BOATS, FIXES, FENCES, NOW_MS, calls=calls)

    assert {one.vessel.code for one in call.answers if one.called} == {"V2", "V4"}
