"""Fishing in closed season: a trawler goes out in the weeks when trawls are forbidden.

Played within a season whenever it is asked for: today's, else the last one. So it has
a source of its own: it must not come late among boats that report now.
"""

from typing import Final

from feeds.simulator.acting import Leg, reports
from feeds.simulator.casting import fishing_boat
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS
from streams.city.model import City
from streams.rules import moratorium

_SOURCE: Final = "season-drill"
_GEAR: Final = "trawl"
_FREE_GEAR: Final = "hook-and-line"
_DAY_MS: Final = 86_400_000
_EVERY_S: Final = 10
_SLACK_S: Final = 30


def _play(stage: Stage) -> Promise:
    params: moratorium.Params = stage.city.params[moratorium.NAME]
    poacher = fishing_boat(stage.city, _GEAR, number=2)
    angler = fishing_boat(stage.city, _FREE_GEAR, number=0)
    until_s = MORATORIUM.duration_s
    for mmsi, leg in (
        (poacher, Leg(120.90, 27.38, 3.5, 60.0)),
        (angler, Leg(120.92, 27.36, 3.5, 60.0)),
    ):
        reports(stage, mmsi, _SOURCE, leg, range(0, until_s, _EVERY_S))
    here = {"subject": poacher, "kind": moratorium.KIND}
    return Promise(
        comes=(
            Expectation(
                "alert",
                ALERTS,
                {**here, "transition": "onset"},
                until_s=params.hold_s + _SLACK_S,
            ),
            Expectation("incident", INCIDENTS, {**here, "change": "opened"}),
            Expectation(
                "order to the fishery",
                DISPATCH_ORDERS,
                {"subject": poacher, "unit": "LG-fishery", "change": "issued"},
            ),
        ),
        stays_away=(
            Expectation(
                "an alert about hooks and lines",
                ALERTS,
                {"subject": angler, "kind": moratorium.KIND},
            ),
        ),
    )


def _in_season(city: City, asked_ms: int) -> int:
    """Return an instant at which the gear is closed: the asked one, or the latest before it."""
    seasons = sorted(
        season
        for closure in city.closures.values()
        if closure.closes(_GEAR, ())
        for season in closure.seasons_ms
        if season[0] < asked_ms
    )
    if not seasons:
        raise ValueError(f"no season of the city's moratorium.toml closes {_GEAR}")
    from_ms, until_ms = seasons[-1]
    if asked_ms < until_ms - _DAY_MS:
        return max(asked_ms, from_ms)
    days = (asked_ms - (until_ms - _DAY_MS)) // _DAY_MS + 1
    return asked_ms - days * _DAY_MS


MORATORIUM: Final = Scenario(
    "moratorium",
    "a trawler fishes in closed season, beside an angler who may",
    900,
    _play,
    _in_season,
)
