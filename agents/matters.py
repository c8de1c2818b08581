"""Agents of a city's matters: alerts to incidents, incidents to orders."""

from agents.spec import AgentSpec
from schemas.topics import (
    ALERTS,
    CASE_COMMANDS,
    CASES,
    DISPATCH_UPDATES,
    INCIDENT_COMMANDS,
    INCIDENTS,
    REMINDERS,
)
from streams.city.model import City
from streams.directory import department_of, directory_of, month_of, place_of
from streams.operators.dispatch import DispatchOperator
from streams.operators.incidents import IncidentsOperator
from streams.operators.kpi import KpiOperator


def incidents(city: City) -> AgentSpec:
    """Return the agent of `alerts` and of the desk's commands about incidents."""
    params, where = city.params["incidents"], place_of(city)
    return AgentSpec(
        "incidents",
        (ALERTS, INCIDENT_COMMANDS),
        lambda _: IncidentsOperator(city.code, params, where),
    )


def kpi(city: City) -> AgentSpec:
    """Return the agent of `cases` and of calls to loudspeakers."""
    asks = city.code, month_of(city), department_of(city)
    return AgentSpec("kpi", (CASES, REMINDERS), lambda _: KpiOperator(*asks))


def dispatch(city: City) -> AgentSpec:
    """Return the agent of `incidents`, of the field's updates and of commands to cases."""
    directory, params = directory_of(city), city.params["dispatch"]
    return AgentSpec(
        "dispatch",
        (INCIDENTS, DISPATCH_UPDATES, CASE_COMMANDS),
        lambda _: DispatchOperator(city.code, directory, params),
    )
