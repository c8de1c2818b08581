"""The doors of a file beside HTTP, opened together in the intake process."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from deploy.errors import Fault
from deploy.intake import OtherDoor
from feeds.cameras.plates import salt_of
from feeds.cameras.platforms import Platforms
from feeds.doorfile import DoorFileError, Doors, NmeaPlan, read
from feeds.intake.intake import Intake
from feeds.intake.publisher import Publisher
from feeds.mqtt.door import MqttDoor
from feeds.mqtt.metrics import MqttMetrics
from feeds.mqtt.routes import Routes
from feeds.nmea.door import NmeaDoor
from feeds.nmea.metrics import NmeaMetrics
from streams.city.model import City


def doors_of(file: Path, city: City) -> OtherDoor:
    """Return all doors of a file as one.

    Raises:
        Fault: The file is not right.
    """
    try:
        doors = read(file, city)
        platforms = Platforms(city.platforms, salt_of())
    except (DoorFileError, ValueError, OSError) as error:
        raise Fault(str(error), "See docs/integrators.md for the form of the file.") from None

    async def run(intake: Intake, publisher: Publisher, over: asyncio.Event) -> None:
        nmea = NmeaMetrics(intake.ledger.metrics.registry)
        mqtt = MqttMetrics(intake.ledger.metrics.registry)
        async with asyncio.TaskGroup() as group:
            for plan in doors.nmea:
                group.create_task(_nmea(plan, publisher, nmea, over))
            for broker in doors.mqtt:
                routes = Routes(broker.routes, platforms)
                door = MqttDoor(broker.login, routes, intake, publisher, mqtt)
                group.create_task(door.run(over))

    return run


def said(file: Path, city: City) -> list[str]:
    """Return a line for each door of a file, for people."""
    doors: Doors = read(file, city)
    lines = [
        f"nmea: {'listens at' if plan.listens else 'connects to'} {plan.address} as {plan.station}"
        for plan in doors.nmea
    ]
    return lines + [
        f"mqtt: {broker.login.host}:{broker.login.port}"
        f" {', '.join(route.template.text for route in broker.routes)}"
        for broker in doors.mqtt
    ]


async def _nmea(
    plan: NmeaPlan, publisher: Publisher, metrics: NmeaMetrics, over: asyncio.Event
) -> None:
    door = NmeaDoor(plan.address, plan.station, publisher, metrics)
    running: Coroutine[Any, Any, None]
    if not plan.listens:
        running = door.connect_tcp(over)
    elif plan.address.scheme == "udp":
        running = door.listen_udp(over)
    else:
        running = door.listen_tcp(over)
    try:
        await running
    except OSError as error:
        raise Fault(
            f"The NMEA door cannot open {plan.address}: {error.strerror or error}",
            "Give it another address in the file of doors.",
        ) from error
