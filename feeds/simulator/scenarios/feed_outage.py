"""A feed goes down: no camera is heard for minutes, then all are back.

First it is heard for so long that what is usual is known. Feeds are watched on
wall time, so the times of this story hold where it is played at the world's pace.
"""

from typing import Final

from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS
from streams.devices import feeds

_LEARNT_S, _BACK_S = 780, 1_080
_PROMPT_S: Final = 120


def _play(stage: Stage) -> Promise:
    params: feeds.Params = stage.city.params[feeds.NAME]
    if not stage.city.cameras:
        raise ValueError("the city has no camera; this scenario needs some")
    if params.learn_s > _LEARNT_S or params.down_at_least_s > (_BACK_S - _LEARNT_S) / 2:
        raise ValueError(
            "the city's [feeds] takes longer to learn or to wait than this story lasts"
        )
    source = next(iter(stage.city.cameras.values())).source
    for camera in stage.city.cameras.values():
        if camera.source == source:
            stage.claim(camera.code, _LEARNT_S, _BACK_S)
    here = {"kind": feeds.DOWN, "subject": source}
    return Promise(
        comes=(
            Expectation("alert", ALERTS, {**here, "transition": "onset"}, _LEARNT_S, _BACK_S),
            Expectation("incident", INCIDENTS, {**here, "change": "opened"}),
            Expectation(
                "order to the city's desk",
                DISPATCH_ORDERS,
                {"subject": source, "unit": "LG-desk", "change": "issued"},
                after_created_s=_PROMPT_S,
            ),
            Expectation("clear", ALERTS, {**here, "transition": "clear"}, _BACK_S),
        ),
        stays_away=(
            Expectation(
                "cameras told as silent one by one",
                ALERTS,
                {"kind": "device.silent", "subject": frozenset(stage.city.cameras)},
            ),
        ),
    )


FEED_OUTAGE: Final = Scenario(
    "feed-outage",
    "no camera is heard for five minutes: one alert about the feed, none about each camera",
    1_260,
    _play,
)
