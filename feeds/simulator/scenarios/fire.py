"""A fire: a smoke detector's alarm, heat beside it, a camera that sees it, a call to 110."""

from typing import Final

from feeds.simulator.acting import Caller, Phase, Seen, complains, detects, readings
from feeds.simulator.casting import cameras, crews, nearest, sensors
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.complaints import Channel
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

_BREAKS_OUT_S: Final = 20
_OUT_S: Final = 420
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    smoke = stage.pick(sensors(stage.city, "smoke.alarm"))
    heat, *_ = nearest(smoke, sensors(stage.city, "temperature.air"))
    camera, *_ = cameras(stage.city, smoke)
    until_s = FIRE.duration_s
    readings(
        stage, smoke, [Phase(0, 0), Phase(_BREAKS_OUT_S, 1), Phase(_OUT_S, 0)], until_s, every_s=5
    )
    warming = [Phase(0, 24), Phase(30, 45), Phase(50, 62), Phase(80, 78), Phase(_OUT_S, 30)]
    readings(stage, heat, warming, until_s, every_s=5)
    stage.claim(camera.code, 0, until_s)
    detects(stage, camera, Seen("smoke.seen", 0.86), range(25, _OUT_S, 20))
    detects(stage, camera, Seen("fire.seen", 0.93), range(45, _OUT_S, 20))
    caller = Caller("fire", Channel.POLICE_110, "complaint.fire", "火情", "看到浓烟和明火")
    ticket = complains(stage, caller, (smoke.lon_deg, smoke.lat_deg), 60)
    # All four senses are of one matter; whose word arrives first names it.
    matter = frozenset({smoke.code, heat.code, camera.code, ticket})
    return Promise(
        comes=(
            Expectation(
                "alarm at once",
                ALERTS,
                {
                    "kind": "smoke.alarm",
                    "subject": smoke.code,
                    "transition": "onset",
                    "severity": "Extreme",
                    "life_safety": True,
                },
                _BREAKS_OUT_S,
                _BREAKS_OUT_S + 5,
            ),
            Expectation("incident", INCIDENTS, {"subject": matter, "change": "opened"}),
            Expectation(
                "order to the fire brigade",
                DISPATCH_ORDERS,
                {"unit": crews(stage.city, "fire"), "subject": matter, "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
            Expectation("clear", ALERTS, {"subject": smoke.code, "transition": "clear"}, _OUT_S),
        )
    )


FIRE: Final = Scenario(
    "fire",
    "smoke alarm, heat, a camera that sees flames, a call to 110; the fire brigade is sent",
    540,
    _play,
)
