"""A typhoon: the surge lifts many gauges at once, covers float off, citizens call in numbers.

The last boat out is heard in the storm; then a beacon of hers calls.
"""

from typing import Final

from feeds.simulator.acting import (
    Caller,
    Leg,
    Phase,
    calls_distress,
    complains,
    readings,
)
from feeds.simulator.casting import crews, gauges, nearest, sensors
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.complaints import Channel
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

_SURGE_S, _COVERS_S, _CALLS_S, _BEACON_S, _OVER_S = 60, 120, 150, 200, 480
_GAUGES: Final = 6
_COVERS: Final = 4
_CALLERS: Final = 8
_EVERY_S: Final = 10
_PROMPT_S: Final = 120
_EPIRB: Final = "974330383"


def _play(stage: Stage) -> Promise:
    return storm(stage, _EPIRB, purpose=1)


def storm(stage: Stage, epirb: str, purpose: int) -> Promise:
    """Put a surge, calls and a beacon on a stage; `purpose` is of the dice for where."""
    eye = stage.pick(gauges(stage.city), purpose)
    flooded = nearest(eye, gauges(stage.city), _GAUGES)
    covers = nearest(eye, sensors(stage.city, "manhole.tilt"), _COVERS)
    until_s = TYPHOON.duration_s
    for number, gauge in enumerate(flooded):
        _, guarantee_m = stage.city.stages[gauge.code]
        surge = [
            Phase(0, round(guarantee_m - 2, 2)),
            Phase(_SURGE_S + 10 * number, round(guarantee_m + 0.3, 2)),
            Phase(_OVER_S, round(guarantee_m - 2, 2)),
        ]
        readings(stage, gauge, surge, until_s, _EVERY_S)
    for cover in covers:
        phases = [Phase(0, 1), Phase(_COVERS_S, 62), Phase(_OVER_S, 2)]
        readings(stage, cover, phases, until_s, _EVERY_S)
    for number in range(_CALLERS):
        near = flooded[number % len(flooded)]
        caller = Caller(
            f"storm-{number}",
            (Channel.POLICE_110, Channel.HOTLINE_12345)[number % 2],
            "complaint.waterlogging",
            "道路积水",
            "台风天积水严重",
        )
        complains(stage, caller, (near.lon_deg, near.lat_deg), _CALLS_S + 5 * number)
    # Whose word arrives first names a matter.
    water = frozenset({"water.high", "complaint.waterlogging"})
    calls_distress(
        stage, epirb, "EPIRB ACTIVE", Leg(121.1, 27.3, 1.0, 300), range(_BEACON_S, until_s, 50)
    )
    return Promise(
        comes=(
            *(
                Expectation(
                    f"surge at {gauge.code}",
                    ALERTS,
                    {"kind": "water.high", "subject": gauge.code, "severity": "Severe"},
                )
                for gauge in flooded
            ),
            *(
                Expectation(
                    f"cover {cover.code} off its seat",
                    ALERTS,
                    {"kind": "manhole.moved", "subject": cover.code, "transition": "onset"},
                    _COVERS_S,
                )
                for cover in covers
            ),
            Expectation("complaint of 110", ALERTS, {"kind": "complaint.waterlogging"}, _CALLS_S),
            Expectation(
                "distress",
                ALERTS,
                {"kind": "vessel.distress", "subject": epirb, "severity": "Extreme"},
                _BEACON_S - 1,
            ),
            Expectation("incident of the surge", INCIDENTS, {"kind": water, "change": "opened"}),
            Expectation(
                "order to flood control",
                DISPATCH_ORDERS,
                {"unit": crews(stage.city, "flood"), "incident_kind": water, "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
        )
    )


TYPHOON: Final = Scenario(
    "typhoon",
    "a surge over six gauges, covers afloat, many calls, and an EPIRB out at sea",
    600,
    _play,
)
