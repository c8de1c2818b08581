"""A boat that goes dark: under way where it is heard well, then not heard any more."""

from typing import Final

from feeds.simulator.acting import Leg, sails
from feeds.simulator.casting import fishing_boat
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS
from streams.rules import silence

_SILENT_S: Final = 300
_EVERY_S: Final = 10
_BACK_S: Final = 1_800
_SECOND_S: Final = 1  # AIS says whole seconds
_SLACK_S: Final = 90  # others of its feed must have said so much


def _play(stage: Stage) -> Promise:
    mmsi = fishing_boat(stage.city, "trawl", number=1)
    params: silence.Params = stage.city.params[silence.NAME]
    warned_s = _SILENT_S + params.class_a.warn_s
    stage.claim(mmsi, 0, DARK_VESSEL.duration_s)
    leg = Leg(120.86, 27.56, 6.0, 100.0)
    sails(stage, mmsi, leg, range(0, _SILENT_S, _EVERY_S))
    sails(stage, mmsi, leg, range(_BACK_S, DARK_VESSEL.duration_s, _EVERY_S))
    here = {"subject": mmsi, "kind": "vessel.silent"}
    return Promise(
        comes=(
            Expectation(
                "silence",
                ALERTS,
                {**here, "transition": "onset"},
                _SILENT_S - _EVERY_S,
                warned_s + _SLACK_S,
            ),
            Expectation("incident", INCIDENTS, {**here, "change": "opened"}),
            Expectation(
                "order to the fishery", DISPATCH_ORDERS, {"subject": mmsi, "unit": "LG-fishery"}
            ),
            Expectation(
                "clear when it is heard again",
                ALERTS,
                {**here, "transition": "clear"},
                _BACK_S - _SECOND_S,
            ),
        ),
        stays_away=(
            Expectation(
                "a silence out of coverage",
                ALERTS,
                {"subject": mmsi, "kind": "vessel.out-of-coverage"},
            ),
        ),
    )


DARK_VESSEL: Final = Scenario(
    "dark-vessel",
    "a boat under way near the coast switches its AIS off for 25 minutes",
    1_900,
    _play,
)
