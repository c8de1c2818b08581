"""GCJ-02, China's shifted datum: where a WGS-84 place stands on such a map.

Only forward, to recognise places that were sent unconverted; nothing is ever
turned back: the inverse is approximate.
"""

from math import cos, pi, sin, sqrt

_A_M = 6_378_245.0
_EE = 0.00669342162296594323
_METRES_A_DEGREE = 111_320.0


def shifted(lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Return the GCJ-02 longitude and latitude of a WGS-84 place in China."""
    x, y = lon_deg - 105.0, lat_deg - 35.0
    waves = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    d_lat += waves
    d_lat += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    d_lat += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    d_lon += waves
    d_lon += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    d_lon += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    rad = lat_deg / 180.0 * pi
    magic = 1.0 - _EE * sin(rad) ** 2
    d_lat = d_lat * 180.0 / ((_A_M * (1.0 - _EE)) / (magic * sqrt(magic)) * pi)
    d_lon = d_lon * 180.0 / (_A_M / sqrt(magic) * cos(rad) * pi)
    return lon_deg + d_lon, lat_deg + d_lat


def distance_m(lon_deg: float, lat_deg: float, other_lon_deg: float, other_lat_deg: float) -> float:
    """Return metres between two places a few kilometres apart (plane, cosine of the latitude)."""
    east = (lon_deg - other_lon_deg) * cos((lat_deg + other_lat_deg) / 360.0 * pi)
    return _METRES_A_DEGREE * sqrt(east**2 + (lat_deg - other_lat_deg) ** 2)
