"""A gas leak: the share of the explosive limit climbs over both levels, then it is aired."""

from typing import Final

from feeds.simulator.acting import Caller, Phase, complains, readings
from feeds.simulator.casting import crews, sensors
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.complaints import Channel
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

_LOW_S, _HIGH_S, _AIRED_S = 30, 90, 240
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    detector = stage.pick(sensors(stage.city, "gas.combustible"))
    leak = [
        Phase(0, 2),
        Phase(15, 14),
        Phase(_LOW_S, 31),
        Phase(60, 43),
        Phase(_HIGH_S, 58),
        Phase(_AIRED_S, 6),
    ]
    readings(stage, detector, leak, GAS.duration_s)
    caller = Caller("gas", Channel.HOTLINE_12345, "complaint.gas", "燃气", "楼道里有煤气味")
    ticket = complains(stage, caller, (detector.lon_deg, detector.lat_deg), 45)
    matter = frozenset({detector.code, ticket})  # whose word arrives first names it
    here = {"subject": detector.code, "kind": "gas.exceeded"}
    return Promise(
        comes=(
            Expectation(
                "alarm at 25 %LEL",
                ALERTS,
                {**here, "transition": "onset", "severity": "Severe", "life_safety": True},
                _LOW_S,
                _LOW_S + 2,
            ),
            Expectation(
                "alarm at 50 %LEL",
                ALERTS,
                {**here, "transition": "update", "severity": "Extreme"},
                _HIGH_S,
                _HIGH_S + 2,
            ),
            Expectation("incident", INCIDENTS, {"subject": matter, "change": "opened"}),
            Expectation(
                "order to the fire brigade",
                DISPATCH_ORDERS,
                {"unit": crews(stage.city, "fire"), "subject": matter, "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
            Expectation("clear", ALERTS, {**here, "transition": "clear"}, _AIRED_S),
        ),
        stays_away=(Expectation("an alarm below the level", ALERTS, here, until_s=_LOW_S - 1),),
    )


GAS: Final = Scenario(
    "gas",
    "a gas leak climbs over 25, then 50 %LEL, and is aired; the fire brigade is sent",
    360,
    _play,
)
