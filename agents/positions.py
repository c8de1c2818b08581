"""Positions agents: NMEA lines to positions, positions to alerts."""

from agents.spec import AgentSpec
from schemas.topics import VESSEL_NMEA, VESSEL_POSITIONS
from streams.city.model import City
from streams.operators.nmea import NmeaOperator
from streams.operators.positions import positions_operator
from streams.registry import POSITION_RULES, settings


def nmea(city: City) -> AgentSpec:
    """Return the agent of `vessel.nmea`."""
    return AgentSpec("nmea", (VESSEL_NMEA,), lambda _: NmeaOperator(city.code))


def positions(city: City) -> AgentSpec:
    """Return the agent of `vessel.positions`."""
    told = settings(POSITION_RULES, city)
    return AgentSpec(
        "positions",
        (VESSEL_POSITIONS,),
        lambda _: positions_operator(city, POSITION_RULES, told),
    )
