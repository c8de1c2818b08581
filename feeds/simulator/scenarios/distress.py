"""Distress at sea: a search and rescue transmitter, and a man-overboard beacon, go off."""

from typing import Final

from feeds.simulator.acting import Leg, calls_distress, tests_beacon
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

# Prefix of the device, maker 33, serial number 0383 and on: ITU-R M.585.
_MAKER: Final = 330_383
_ACTIVE_S: Final = 30
_TEST_S: Final = 10
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    until_s = DISTRESS.duration_s
    serial = _MAKER + stage.pick(range(0, 100, 2))
    sart, mob, tested = f"970{serial}", f"972{serial}", f"970{serial + 1}"
    raft = Leg(121.02, 27.38, 0.6, 200)
    # What is only tested says so, and must wake nobody.
    tests_beacon(stage, tested, "SART TEST", _TEST_S)
    calls_distress(stage, sart, "SART ACTIVE", raft, range(_ACTIVE_S, until_s, 60))
    calls_distress(
        stage, mob, "MOB ACTIVE", Leg(120.95, 27.33, 0.4, 180), range(_ACTIVE_S + 45, until_s, 60)
    )
    found = {"kind": "vessel.distress", "severity": "Extreme", "life_safety": True}
    return Promise(
        comes=(
            Expectation(
                "alarm of the SART",
                ALERTS,
                {**found, "subject": sart, "transition": "onset"},
                _ACTIVE_S - 1,
                _ACTIVE_S + 3,
            ),
            Expectation("alarm of the MOB", ALERTS, {**found, "subject": mob}),
            Expectation("incident", INCIDENTS, {"subject": sart, "change": "opened"}),
            Expectation(
                "order",
                DISPATCH_ORDERS,
                {"subject": sart, "change": "issued", "life_safety": True},
                after_created_s=_PROMPT_S,
            ),
        ),
        stays_away=(Expectation("an alarm by a test", ALERTS, {"subject": tested}),),
    )


DISTRESS: Final = Scenario(
    "distress",
    "a search and rescue transmitter and a man-overboard beacon go off; one is only tested",
    300,
    _play,
)
