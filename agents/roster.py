"""The agents by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agents import claims, devices, matters, positions, readings
from agents.spec import AgentSpec
from streams.city.model import City

AGENTS: Mapping[str, Callable[[City], AgentSpec]] = MappingProxyType(
    {
        "readings": readings.readings,
        "urgent": readings.urgent,
        "nmea": positions.nmea,
        "positions": positions.positions,
        "cameras": claims.cameras,
        "complaints": claims.complaints,
        "devices": devices.devices,
        "incidents": matters.incidents,
        "dispatch": matters.dispatch,
        "kpi": matters.kpi,
    }
)
