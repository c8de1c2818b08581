"""A lorry in the fire lane: a camera that grows sure, a citizen who complains, then it leaves."""

from typing import Final

from feeds.simulator.acting import Caller, Seen, complains, detects
from feeds.simulator.casting import cameras, sensors
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.complaints import Channel
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS

_KIND: Final = "parking.illegal"
_DOUBTFUL_S, _SURE_S, _CALLED_S, _GONE_S = 20, 80, 150, 400
_EVERY_S: Final = 15
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    bay = stage.pick(sensors(stage.city, "parking.occupied"))
    camera, *_ = cameras(stage.city, bay)
    watched = stage.city.params["detections"].kinds[_KIND]
    stage.claim(camera.code, 0, ILLEGAL_PARKING.duration_s)
    unsure = (watched.doubtful + watched.confident) / 2
    detects(stage, camera, Seen(_KIND, round(unsure, 2), 1), range(_DOUBTFUL_S, _SURE_S, _EVERY_S))
    detects(stage, camera, Seen(_KIND, 0.94, 1), range(_SURE_S, _GONE_S, _EVERY_S))
    caller = Caller("lorry", Channel.HOTLINE_12345, "complaint.parking", "违章停车", "消防通道被占")
    ticket = complains(stage, caller, (camera.lon_deg, camera.lat_deg), _CALLED_S)
    matter = frozenset({camera.code, ticket})  # whose word arrives first names it
    here = {"kind": _KIND, "subject": camera.code}
    return Promise(
        comes=(
            Expectation(
                "doubtful sight",
                ALERTS,
                {**here, "transition": "onset", "doubtful": True},
                _DOUBTFUL_S,
                _DOUBTFUL_S + 1,
            ),
            Expectation(
                "sure sight",
                ALERTS,
                {**here, "transition": "update", "doubtful": frozenset({None, False})},
                _SURE_S,
                _SURE_S + 1,
            ),
            Expectation("incident", INCIDENTS, {"subject": matter, "change": "opened"}),
            Expectation("complaint", ALERTS, {"kind": "complaint.parking"}, _CALLED_S),
            Expectation(
                "order to the grid worker",
                DISPATCH_ORDERS,
                {"subject": matter, "level": "grid", "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
            Expectation(
                "clear", ALERTS, {**here, "transition": "clear"}, _GONE_S, _GONE_S + watched.clear_s
            ),
        ),
        stays_away=(
            Expectation(
                "the police without an escalation",
                DISPATCH_ORDERS,
                {"subject": matter, "level": "department"},
            ),
        ),
    )


ILLEGAL_PARKING: Final = Scenario(
    "illegal-parking",
    "a lorry in the fire lane: a camera that grows sure, a call to 12345; the grid worker goes",
    1_080,
    _play,
)
