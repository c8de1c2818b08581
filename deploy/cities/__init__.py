"""Cities as files: reading a city's folder from the disk.

load_city()                        the city that comes with the program
load_city(Path("my/city"))         another one
check_city(Path("my/city"))        what is wrong with it
"""

from importlib.resources import files as resources
from pathlib import Path

from streams.city.files import ParamTypes, city_findings, parse_city
from streams.city.findings import Finding
from streams.city.model import City
from streams.registry import PARAMS

LONGGANG = Path(str(resources("deploy.cities") / "longgang"))
_KINDS = frozenset({".toml", ".csv", ".geojson"})


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the TOML, CSV and GeoJSON files under `folder` by their path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _KINDS and path.is_file()
    }


def load_city(folder: Path = LONGGANG, params: ParamTypes = PARAMS) -> City:
    """Return the city in `folder`.

    Raises:
        CityFault: With all that is wrong.
    """
    return parse_city(read_folder(folder), params)


def check_city(folder: Path, params: ParamTypes = PARAMS) -> tuple[Finding, ...]:
    """Return all that is wrong with the city in `folder`; nothing for a good one."""
    return city_findings(read_folder(folder), params)
