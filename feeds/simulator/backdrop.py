"""A small part of a city, for stories that need calm around them but no crowd."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeVar

from feeds.simulator.faults import SOUND
from feeds.simulator.story import Played
from feeds.simulator.whole import Rates, Simulator
from streams.city.model import City

_V = TypeVar("_V")
_EVERY: Final = 40
_NOISE_EVERY: Final = 10
RATES: Final = Rates(1 / 20, 1 / 60, 1 / 20, 100.0)


def around(city: City, seed: int, stories: Sequence[Played]) -> Simulator:
    """Return one in forty of a city's devices, with all that act in `stories` among them.

    Of the noise meters, which report every second, only one in four hundred.
    """
    actors = frozenset[str]().union(*(story.actors() for story in stories))
    few = _few(city.sensors, actors, _EVERY)
    noise = [code for code in few if few[code].kind == "noise.laeq"]
    dropped = {code for at, code in enumerate(noise) if at % _NOISE_EVERY} - actors
    small = dataclasses.replace(
        city,
        sensors={code: one for code, one in few.items() if code not in dropped},
        cameras=_few(city.cameras, actors, _EVERY),
        vessels=_few(city.vessels, actors, _EVERY // 4),
    )
    return Simulator(small, seed, RATES, SOUND, stories)


def _few(all_of: Mapping[str, _V], actors: Collection[str], every: int) -> dict[str, _V]:
    return {
        code: one
        for at, (code, one) in enumerate(all_of.items())
        if at % every == 0 or code in actors
    }
