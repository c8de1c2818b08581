"""The box of a city: west, south, east and north of all that is its own."""

import msgspec


class Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The box of city and sea in which every coordinate lies."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def holds(self, lon_deg: float, lat_deg: float) -> bool:
        """Return whether a point lies in the box."""
        return (
            self.west_deg <= lon_deg <= self.east_deg
            and self.south_deg <= lat_deg <= self.north_deg
        )
