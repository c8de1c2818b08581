"""Whether a fleet has done all that there is: its groups' offsets against the ends."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from types import MappingProxyType
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from agents.app import group_of
from deploy import topic_reader
from deploy.errors import Fault
from schemas.codec import Refused, decode
from schemas.incidents import Incident, IncidentState
from schemas.topics import (
    ALERTS,
    CAMERA_DETECTIONS,
    CASE_COMMANDS,
    CITIZEN_COMPLAINTS,
    DISPATCH_UPDATES,
    INCIDENT_COMMANDS,
    INCIDENTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_NMEA,
    VESSEL_POSITIONS,
)
from streams.matters.holds import GROUPING

_POLL_S = 0.3

FLOW: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "readings": (SENSOR_READINGS,),
        "urgent": (SENSOR_READINGS_URGENT,),
        "cameras": (CAMERA_DETECTIONS,),
        "complaints": (CITIZEN_COMPLAINTS,),
        "nmea": (VESSEL_NMEA,),
        "positions": (VESSEL_POSITIONS,),
        "incidents": (ALERTS, INCIDENT_COMMANDS),
        "dispatch": (INCIDENTS, DISPATCH_UPDATES, CASE_COMMANDS),
    }
)
"""Agents after those that feed them, with what they read."""


async def backlog(address: str, prefix: str, agent: str) -> int:
    """Return how many records of its inputs the group of `agent` has not committed yet."""
    names = [prefix + topic for topic in FLOW[agent]]
    parts = await topic_reader.partitions_of(address, names)
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    try:
        await admin.start()
        await consumer.start()
        done = await admin.list_consumer_group_offsets(group_of(agent, prefix))
        ends = await consumer.end_offsets(parts)
        begins = await consumer.beginning_offsets(parts)
    finally:
        await consumer.stop()
        await admin.close()
    committed = {part: max(place.offset, begins.get(part, 0)) for part, place in done.items()}
    return sum(end - committed.get(part, begins[part]) for part, end in ends.items())


async def until_consumed(
    address: str,
    prefix: str,
    *,
    timeout_s: float,
    agents: Sequence[str] = tuple(FLOW),
    look: Callable[[], object] = lambda: None,
    log: Callable[[str], str] = lambda _agent: "",
) -> None:
    """Wait until `agents` have done everything; nothing more may be sent meanwhile.

    Args:
        address: Kafka's bootstrap address.
        prefix: Of the fleet's topics and groups.
        timeout_s: How long that may take.
        agents: In the order of the flow.
        look: Called at each look, to keep the fleet running.
        log: Gives the end of what an agent has written, for the fault.

    Raises:
        Fault: It takes longer.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    done = partial(_until_done, address, prefix, deadline=deadline, look=look, log=log)
    for agent in agents:
        await done(agent)
    if "incidents" not in agents:
        return
    # Who waits for company is told to people some seconds later, by time alone.
    while await _waiting(address, prefix):
        look()
        if asyncio.get_running_loop().time() > deadline:
            raise Fault(
                "incidents still wait for company, and the time for it is over",
                f"The end of the log of agent incidents:\n{log('incidents')}",
            )
        await asyncio.sleep(_POLL_S)
    # What was told last is still to be done by those who read it.
    for agent in agents[agents.index("incidents") :]:
        await done(agent)


async def _until_done(
    address: str,
    prefix: str,
    agent: str,
    *,
    deadline: float,
    look: Callable[[], object],
    log: Callable[[str], str],
) -> None:
    while True:
        look()
        try:
            left = await backlog(address, prefix, agent)
        except KafkaError:  # the broker may be on its way back
            left = -1
        if left == 0:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise Fault(
                f"agent {agent} has {left} records left, and the time for them is over",
                f"The end of its log:\n{log(agent)}",
            )
        await asyncio.sleep(_POLL_S)


async def _waiting(address: str, prefix: str) -> bool:
    """Say whether an open incident still waits to be grouped with others."""
    held: dict[str, bool] = {}
    reader = topic_reader.read(address, [prefix + INCIDENTS], from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                with suppress(Refused):  # what a test of bad input put there
                    one = decode(Incident, record.value or b"")
                    is_open = one.state is IncidentState.OPEN
                    held[one.incident_id] = is_open and GROUPING in one.held
    return any(held.values())
