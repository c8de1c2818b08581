"""Agents of a city's matters: alerts to incidents, incidents to orders."""

from agents.spec import AgentSpec
from schemas.topics import ALERTS, CASE_COMMANDS, DISPATCH_UPDATES, INCIDENTS
from streams.city.model import City
from streams.directory import directory_of
from streams.operators.dispatch import DispatchOperator
from streams.operators.incidents import IncidentsOperator


def incidents(city: City) -> AgentSpec:
    """Return the agent of `alerts`."""
    params = city.params["incidents"]
    return AgentSpec("incidents", (ALERTS,), lambda _: IncidentsOperator(city.code, params))


def dispatch(city: City) -> AgentSpec:
    """Return the agent of `incidents`, of the field's updates and of commands to cases."""
    directory, params = directory_of(city), city.params["dispatch"]
    return AgentSpec(
        "dispatch",
        (INCIDENTS, DISPATCH_UPDATES, CASE_COMMANDS),
        lambda _: DispatchOperator(city.code, directory, params),
    )
