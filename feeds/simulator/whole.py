"""The whole city at once: every source, merged in order of time, in short batches."""

from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

from feeds.recordings import KeyedRecord
from feeds.simulator.cameras import Cameras
from feeds.simulator.complaints import Complaints
from feeds.simulator.faults import Faulty, Shares, split
from feeds.simulator.sensors import Sensors
from feeds.simulator.vessels import Vessels
from streams.city.model import City

NOBODY: Final[Collection[str]] = frozenset()
_BY_TIME = attrgetter("event_time_ms")


class Rates(NamedTuple):
    """How much a city says.

    Attributes:
        sensors_hz, cameras_hz, vessels_hz: Reports a second of each device.
        complaints_a_day: Tickets on an average day; they follow no other rate.
    """

    sensors_hz: float = 1.0
    cameras_hz: float = 0.1
    vessels_hz: float = 0.1
    complaints_a_day: float = 600.0


def rates_at(hz: float) -> Rates:
    """Return the rates of a city whose sensors report `hz` times a second."""
    return Rates(hz, hz / 10, hz / 10)


class Script(Protocol):
    """A story laid over the calm city."""

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return its records of [from, until), in order of time."""

    def cast(self, at_ms: int) -> Collection[str]:
        """Return who says at an instant only what the story has it say."""


class Simulator:
    """A city of sources, seeded: the same seed gives the same bytes.

    Args:
        city: Its registers, limits, fences, seasons.
        seed: Of all dice.
        rates: How much it says.
        faults: Which shares of its sensors are faulty.
        scripts: Stories laid over it.
    """

    def __init__(
        self,
        city: City,
        seed: int,
        rates: Rates = Rates(),  # noqa: B008 - a tuple
        faults: Shares = Shares(),  # noqa: B008 - a tuple
        scripts: Collection[Script] = (),
    ) -> None:
        sensors = split(city, seed, faults)
        self._sensors = Sensors(city, sensors.sound, seed, rates.sensors_hz)
        self._faulty = Faulty(city, sensors.faulty, seed, rates.sensors_hz)
        self._cameras = Cameras(city.cameras.values(), seed, rates.cameras_hz)
        self._vessels = Vessels(city, seed, rates.vessels_hz)
        self._complaints = Complaints(city, seed, rates.complaints_a_day)
        self._scripts = scripts

    def batches(
        self, from_ms: int, until_ms: int, step_ms: int = 1000
    ) -> Iterator[list[KeyedRecord]]:
        """Yield what the city says in [from, until), a batch for each step.

        Args:
            from_ms: First instant (event time).
            until_ms: First instant that is no longer meant.
            step_ms: Length of a batch; the records are the same for any.

        Yields:
            Records in order of time: that of sending, which for late and doubled
            ones is later than what they say.
        """
        for begin_ms in range(from_ms, until_ms, step_ms):
            yield self.between(begin_ms, min(begin_ms + step_ms, until_ms))

    def between(self, from_ms: int, until_ms: int) -> list[KeyedRecord]:
        """Return what the city says in [from, until), in order of time."""
        cast = frozenset[str]().union(*(script.cast(from_ms) for script in self._scripts))
        found = [
            *self._sensors.between(from_ms, until_ms),
            *self._faulty.between(from_ms, until_ms),
            *self._cameras.between(from_ms, until_ms),
        ]
        if cast:
            keys = {name.encode() for name in cast}
            found = [record for record in found if record.key not in keys]
        found += self._vessels.between(from_ms, until_ms, without=cast)
        found += self._complaints.between(from_ms, until_ms)
        for script in self._scripts:
            found += script.between(from_ms, until_ms)
        found.sort(key=_BY_TIME)
        return found
