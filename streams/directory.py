"""What dispatch asks of a city, answered from its files."""

import numpy as np

from streams.city.model import City
from streams.local_time import local_time
from streams.matters.casework import Directory


def directory_of(city: City) -> Directory:
    """Return the city as dispatch sees it."""

    def minute_of_day(at_ms: int) -> int:
        return int(local_time(np.array([at_ms]), city.utc_offsets).minute_of_day[0])

    return Directory(city.routing, city.roster, city.areas, city.speakers.get, minute_of_day)
