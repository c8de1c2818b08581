"""A flood: a gauge climbs over its two stages, water stands on the road, people call."""

from typing import Final

from feeds.simulator.acting import Caller, Phase, Seen, complains, detects, readings
from feeds.simulator.casting import cameras, crews, gauges
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.complaints import Channel
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

_WARNING_S, _GUARANTEE_S, _FALLS_S = 60, 300, 600
_SEEN_S, _CALLED_S = 150, 180
_EVERY_S: Final = 10
_SLACK_S: Final = 15
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    gauge = stage.pick(gauges(stage.city))
    warning_m, guarantee_m = stage.city.stages[gauge.code]
    watched = stage.city.params["threshold"].kinds[gauge.kind]
    until_s = FLOOD.duration_s
    climb = [
        Phase(0, warning_m - 0.5),
        Phase(30, warning_m - 0.2),
        Phase(_WARNING_S, warning_m + 0.05),
        Phase(180, (warning_m + guarantee_m) / 2),
        Phase(_GUARANTEE_S, guarantee_m + 0.1),
        Phase(_FALLS_S, warning_m - 0.4),
    ]
    readings(stage, gauge, [Phase(at_s, round(m, 2)) for at_s, m in climb], until_s, _EVERY_S)
    camera, *_ = cameras(stage.city, gauge)
    stage.claim(camera.code, 0, until_s)
    detects(stage, camera, Seen("waterlogging.seen", 0.91), range(_SEEN_S, _FALLS_S, 30))
    caller = Caller(
        "water", Channel.HOTLINE_12345, "complaint.waterlogging", "道路积水", "路面积水已到膝盖"
    )
    ticket = complains(stage, caller, (gauge.lon_deg, gauge.lat_deg), _CALLED_S)
    matter = frozenset({gauge.code, camera.code, ticket})  # whose word arrives first names it
    here = {"kind": "water.high", "subject": gauge.code}

    def held(due_s: float) -> tuple[float, float]:
        return due_s + watched.for_s, due_s + watched.for_s + _SLACK_S

    return Promise(
        comes=(
            Expectation(
                "warning stage",
                ALERTS,
                {**here, "transition": "onset", "severity": "Moderate", "life_safety": True},
                *held(_WARNING_S),
            ),
            Expectation(
                "guarantee stage",
                ALERTS,
                {**here, "transition": "update", "severity": "Severe"},
                *held(_GUARANTEE_S),
            ),
            Expectation("incident", INCIDENTS, {"subject": matter, "change": "opened"}),
            Expectation(
                "order to flood control",
                DISPATCH_ORDERS,
                {"subject": matter, "unit": crews(stage.city, "flood"), "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
            Expectation(
                "water seen on the road",
                ALERTS,
                {"kind": "waterlogging.seen", "subject": camera.code, "transition": "onset"},
                _SEEN_S,
                _SEEN_S + 1,
            ),
            Expectation("complaint", ALERTS, {"kind": "complaint.waterlogging"}, _CALLED_S),
            Expectation("clear", ALERTS, {**here, "transition": "clear"}, _FALLS_S),
        )
    )


FLOOD: Final = Scenario(
    "flood",
    "a gauge climbs over its warning and guarantee stages, water on the road, a call to 12345",
    1_020,
    _play,
)
