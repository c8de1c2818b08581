"""Where things count: the community that owns a point, an area or a venue."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.dispatch import CaseState
from screens.hub.table import NOWHERE, Place
from streams.city.model import City

_MOST_LON, _MOST_LAT = 180.0, 90.0
_OWNERS = ("area", "community", "venue", "unit", "subject")


class Placed(Protocol):
    """Something that stands somewhere."""

    @property
    def lon_deg(self) -> float: ...

    @property
    def lat_deg(self) -> float: ...


class Atlas:
    """A city's communities, numbered.

    Attributes:
        communities: Code to number.
        city: The code of all of it.
    """

    def __init__(self, city: City) -> None:
        self.city = city.code
        self._areas = city.areas
        self._units = city.roster.units
        chains = [city.areas.chain_of(code) for code in city.areas.codes]
        names = sorted({chain.community for chain in chains if chain and chain.community})
        self.communities: Mapping[str, int] = {code: i for i, code in enumerate(names)}
        owners = [
            self.communities.get(chain.community, NOWHERE) if chain else NOWHERE for chain in chains
        ]
        self._community_of = np.array([*owners, NOWHERE], np.int32)  # the last is OUTSIDE's, -1

    def at(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return the community of each point, `NOWHERE` outside all."""
        owners: NDArray[np.int32] = self._community_of[self._areas.locate(lon_deg, lat_deg)]
        return owners

    def place(self, lon_deg: float | None, lat_deg: float | None) -> Place:
        """Return a point with its community."""
        if lon_deg is None or lat_deg is None:
            return Place()
        community = int(self.at(np.array([lon_deg]), np.array([lat_deg]))[0])
        return Place(lon_deg, lat_deg, community)

    def places(self, records: Collection[Placed]) -> list[Place]:
        """Return the points of many things with their communities."""
        lon = np.array([record.lon_deg for record in records], np.float64)
        lat = np.array([record.lat_deg for record in records], np.float64)
        communities = self.at(lon, lat).tolist()
        return [Place(*one) for one in zip(lon.tolist(), lat.tolist(), communities, strict=True)]

    def of_area(self, *codes: str) -> int:
        """Return the community of the first code that names an area, a venue or a unit of one."""
        for code in codes:
            unit = self._units.get(code)
            chain = self._areas.chain_of(unit.area if unit is not None else code)
            if chain is not None and chain.community:
                return self.communities.get(chain.community, NOWHERE)
        return NOWHERE

    def of_record(self, fields: Mapping[str, Any]) -> Place:
        """Return where a record counts: its place, else its area, else its unit or subject.

        A place off the globe is none. A case also counts where the units are that have it
        in hand: whoever is asked must see what about.
        """
        lon_deg, lat_deg = fields.get("lon_deg"), fields.get("lat_deg")
        if (
            lon_deg is None
            or lat_deg is None
            or abs(lon_deg) > _MOST_LON
            or abs(lat_deg) > _MOST_LAT
        ):
            lon_deg = lat_deg = None
        place = self.place(lon_deg, lat_deg)._replace(others=self._in_hand(fields.get("orders")))
        if place.community != NOWHERE:
            return place
        owner = self.of_area(*(str(fields.get(name) or "") for name in _OWNERS))
        return place._replace(community=owner)

    def _in_hand(self, orders: Any) -> frozenset[int]:
        """Return the communities of units that were sent, and have not returned their order."""
        if not isinstance(orders, list):
            return frozenset()
        units = (
            one.get("unit")
            for one in orders
            if isinstance(one, dict) and one.get("state") != CaseState.RETURNED
        )
        return frozenset(self.of_area(unit) for unit in units if isinstance(unit, str)) - {NOWHERE}
