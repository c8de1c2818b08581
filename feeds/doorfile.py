"""The file of doors: which NMEA addresses and MQTT brokers events come in by."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from feeds.mqtt.routes import Route
from feeds.mqtt.session import Login
from feeds.mqtt.template import Template
from feeds.nmea.door import Address
from streams.city.model import City
from streams.doors.sender import ALL

_MQTT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class DoorFileError(ValueError):
    """The file is not right; the text says what, where, and what would be."""


class _Nmea(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    station: str
    listen: str = ""
    connect: str = ""


class _Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: str
    what: Literal["reading", "detection", "position", "complaint", ""] = msgspec.field(
        name="as", default=""
    )
    platform: str = ""
    sources: tuple[str, ...] = ALL


class _Mqtt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    client_id: str
    routes: tuple[_Route, ...]
    username: str = ""
    password_env: str = ""
    password_file: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nmea: tuple[_Nmea, ...] = ()
    mqtt: tuple[_Mqtt, ...] = ()


class NmeaPlan(msgspec.Struct, frozen=True):
    """An NMEA door: where, whether it listens or connects, and whom it hears."""

    address: Address
    listens: bool
    station: str


class MqttPlan(msgspec.Struct, frozen=True):
    """An MQTT door: the broker, and what comes by which topic."""

    login: Login
    routes: tuple[Route, ...]


class Doors(msgspec.Struct, frozen=True):
    """All doors of a file."""

    nmea: tuple[NmeaPlan, ...]
    mqtt: tuple[MqttPlan, ...]


def read(path: Path, city: City, environment: Mapping[str, str] = os.environ) -> Doors:
    """Read a file of doors.

    Raises:
        DoorFileError: With what is wrong, where, and the cure.
        OSError: It cannot be read.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DoorFileError(f"{path}: {error}") from None
    if not file.nmea and not file.mqtt:
        raise DoorFileError(f"{path}: no door; write [[nmea]] or [[mqtt]]")
    nmea, mqtt = [], []
    for at, door in enumerate(file.nmea):
        with _place(path, f"nmea[{at}]"):
            nmea.append(_nmea(door))
    for at, broker in enumerate(file.mqtt):
        with _place(path, f"mqtt[{at}]"):
            mqtt.append(_mqtt(broker, city, path, environment))
    return Doors(tuple(nmea), tuple(mqtt))


@contextmanager
def _place(path: Path, where: str) -> Iterator[None]:
    """Say where in the file a fault was found."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise DoorFileError(f"{path}: {where}: {error}") from None


def _nmea(door: _Nmea) -> NmeaPlan:
    if bool(door.listen) == bool(door.connect):
        raise ValueError("write either listen or connect")
    address = _address(door.listen or door.connect)
    if door.connect and address.scheme != "tcp":
        raise ValueError(f"connect = {door.connect!r}: only tcp:// is connected to")
    if not door.station:
        raise ValueError("station is empty; name the receiver, or write {peer} for its address")
    return NmeaPlan(address, bool(door.listen), door.station)


def _address(text: str) -> Address:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("tcp", "udp") or not parts.hostname or port is None:
        raise ValueError(f"{text!r}: write tcp://host:port or udp://host:port")
    return Address(parts.scheme, parts.hostname, port)


def _mqtt(door: _Mqtt, city: City, path: Path, environment: Mapping[str, str]) -> MqttPlan:
    parts = urlsplit(door.url)
    if parts.scheme not in _MQTT_PORTS or not parts.hostname or parts.username:
        raise ValueError(f"url {door.url!r}: write mqtt://host:port or mqtts://, without a user")
    if not door.client_id:
        raise ValueError("client_id is empty; the broker keeps the session under it")
    password = environment.get(door.password_env, "") if door.password_env else ""
    if door.password_file:
        password = (path.parent / door.password_file).read_text(encoding="utf-8").strip()
    if door.password_env and not password:
        raise ValueError(f"no password in the environment variable {door.password_env}")
    login = Login(
        host=parts.hostname,
        port=parts.port or _MQTT_PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        client_id=door.client_id,
        username=door.username,
        password=password,
    )
    if not door.routes:
        raise ValueError("no route; write [[mqtt.routes]] with topic and as")
    return MqttPlan(login, tuple(_route(route, city) for route in door.routes))


def _route(route: _Route, city: City) -> Route:
    if bool(route.what) == bool(route.platform):
        raise ValueError(f"route {route.topic!r}: write either as or platform")
    if route.platform and route.platform not in city.platforms:
        known = ", ".join(sorted(city.platforms)) or "none"
        raise ValueError(f"no platform {route.platform!r} in platforms.toml; it has {known}")
    for source in route.sources:
        if source != ALL[0] and source not in city.sources:
            raise ValueError(f"no source {source!r} in sources.toml")
    return Route(Template(route.topic), route.what, route.platform, route.sources)
