"""Readings agent: sensor readings to alerts."""

from agents.spec import AgentSpec
from schemas.topics import SENSOR_READINGS, SENSOR_READINGS_URGENT
from streams.city.model import City
from streams.operators.readings import readings_operator
from streams.registry import READING_RULES, settings


def readings(city: City) -> AgentSpec:
    """Return the agent of `sensor.readings`."""
    return _on(SENSOR_READINGS, "readings", city)


def urgent(city: City) -> AgentSpec:
    """Return the agent of the lane of life safety, which waits for no other."""
    return _on(SENSOR_READINGS_URGENT, "urgent", city)


def _on(topic: str, name: str, city: City) -> AgentSpec:
    told = settings(READING_RULES, city)
    return AgentSpec(name, (topic,), lambda _: readings_operator(city, READING_RULES, told))
