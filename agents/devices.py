"""Devices agent: what all partitions have heard to the status of devices and feeds."""

from agents.spec import AgentSpec
from schemas.topics import DEVICES_HEARD
from streams.city.model import City
from streams.operators.devices import DevicesOperator


def devices(city: City) -> AgentSpec:
    """Return the agent of `devices.heard`."""
    return AgentSpec("devices", (DEVICES_HEARD,), lambda _: DevicesOperator(city))
