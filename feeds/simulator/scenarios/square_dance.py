"""The square dance: too loud, asked to turn it down, and what follows.

`square-dance`: they turn it down after the reminder, and the matter closes
itself. `square-dance-police`: they do not; a grid worker goes, then the police.
"""

from typing import Final

import numpy as np

from feeds.simulator.acting import Phase, readings
from feeds.simulator.casting import crews, speaking_venues, venue_sensors
from feeds.simulator.story import Expectation, Promise, Scenario, Stage
from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS, REMINDERS
from streams.city.model import City
from streams.noise.ladder import Params
from streams.noise.limits import Venue

_BEGINS_S: Final = 60
_SLACK_S: Final = 15
_OVER_DB, _UNDER_DB = 10.0, 12.0


def _levels(city: City, venue: Venue) -> tuple[float, float]:
    """Return a level below every limit of a venue's days, and one above all of them."""
    limits = city.limits
    place = limits.place(venue.code, venue.area_class)
    here = limits.limit_db[limits.holds[place]]
    return float(np.min(here)) - _UNDER_DB, float(np.max(here)) + _OVER_DB


def _dance(stage: Stage, venue: Venue, ends_s: float, until_s: float) -> None:
    calm_db, loud_db = _levels(stage.city, venue)
    for number, meter in enumerate(venue_sensors(stage.city, venue)):
        phases = [
            Phase(0, calm_db),
            Phase(_BEGINS_S, loud_db - 2 * number),
            Phase(ends_s, calm_db),
        ]
        readings(stage, meter, phases, until_s)


def _times(city: City) -> tuple[float, float, float]:
    """Return when each rung is due, in seconds from the start: a few early, if anything."""
    params: Params = city.params["noise"]
    first_s = _BEGINS_S + params.exceed_for_s
    second_s = first_s + params.listen_s
    return first_s, second_s, second_s + params.grid_worker_s


def _alert(words: str, venue: Venue, **where: object) -> Expectation:
    named = {"kind": "noise.exceeded", "subject": venue.code, **where}
    return Expectation(words, ALERTS, named)


def _within(one: Expectation, due_s: float) -> Expectation:
    return one._replace(from_s=due_s, until_s=due_s + _SLACK_S)


def _about(venue: Venue, **where: object) -> dict[str, object]:
    return {"subject": venue.code, **where}


def _turned_down(stage: Stage) -> Promise:
    venue, *_ = speaking_venues(stage.city)
    first_s, second_s, _ = _times(stage.city)
    ends_s = first_s + 90
    params: Params = stage.city.params["noise"]
    _dance(stage, venue, ends_s, TURNED_DOWN.duration_s)
    cleared = _alert("clear as self-corrected", venue, transition="clear", reason="self-corrected")
    # The window of Leq must forget the music first.
    calm_s = ends_s + params.clear_for_s
    return Promise(
        comes=(
            _within(_alert("first rung", venue, transition="onset", rung=1), first_s),
            Expectation("reminder", REMINDERS, {"venue": venue.code}),
            Expectation("incident opened", INCIDENTS, _about(venue, change="opened")),
            cleared._replace(from_s=calm_s, until_s=calm_s + params.window_s + _SLACK_S),
            Expectation("incident resolved", INCIDENTS, _about(venue, change="resolved")),
        ),
        stays_away=(
            _alert("a second rung", venue, rung=frozenset({2, 3})),
            Expectation(
                "somebody is sent",
                DISPATCH_ORDERS,
                _about(venue, level=frozenset({"grid", "community", "department", "city"})),
                until_s=second_s,
            ),
        ),
    )


def _not_turned_down(stage: Stage) -> Promise:
    venue = speaking_venues(stage.city)[-1]
    first_s, second_s, third_s = _times(stage.city)
    _dance(stage, venue, third_s + 90, NOT_TURNED_DOWN.duration_s)
    issued = {"change": "issued", "incident_kind": "noise.exceeded"}
    return Promise(
        comes=(
            _within(_alert("first rung", venue, transition="onset", rung=1), first_s),
            Expectation("reminder", REMINDERS, {"venue": venue.code}),
            _within(_alert("grid worker's rung", venue, transition="update", rung=2), second_s),
            Expectation(
                "order to the grid worker",
                DISPATCH_ORDERS,
                _about(venue, level="grid", **issued),
            ),
            _within(_alert("police's rung", venue, transition="update", rung=3), third_s),
            Expectation(
                "order to the police",
                DISPATCH_ORDERS,
                _about(venue, level="department", unit=crews(stage.city, "police"), **issued),
            ),
            _alert("clear", venue, transition="clear", reason="self-corrected"),
            Expectation("incident resolved", INCIDENTS, _about(venue, change="resolved")),
        ),
    )


TURNED_DOWN: Final = Scenario(
    "square-dance",
    "dancers too loud; the loudspeaker asks, they turn it down: closed as self-corrected",
    780,
    _turned_down,
)
NOT_TURNED_DOWN: Final = Scenario(
    "square-dance-police",
    "dancers too loud who do not turn it down: reminder, grid worker, police",
    2_000,
    _not_turned_down,
)
