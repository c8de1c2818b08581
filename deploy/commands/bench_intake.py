"""`citybrain bench intake`: the doors under load, to the broker's acknowledgement."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from deploy.bench import intake, lines
from deploy.bench.engine import kafka
from deploy.errors import Exit
from deploy.options import own_kafka_option

_CONNECTIONS = {1: 64, 100: 8, 1000: 4}


@click.command()
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(1, 1000),
    default=tuple(_CONNECTIONS),
    show_default=True,
    help="Events a request; may be given again.",
)
@click.option("--events", type=click.IntRange(min=1), default=400_000, show_default=True)
@click.option(
    "--singles",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="Requests of one event, in place of --events.",
)
@click.option(
    "--sentences",
    type=click.IntRange(min=1),
    default=300_000,
    show_default=True,
    help="Of NMEA, over one TCP connection.",
)
@click.option(
    "--messages",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="Of MQTT, at QoS 1.",
)
@own_kafka_option
def command(
    *,
    batches: tuple[int, ...],
    events: int,
    singles: int,
    sentences: int,
    messages: int,
    broker: str | None,
) -> None:
    """Events a second through the doors, and the time to Kafka's acknowledgement.

    The door is a process of its own; CPU seconds are its alone, and the figure
    to trust on a busy machine. Exit code 1: an event was not accepted. The times
    of HTTP end with the answer, those of NMEA and MQTT, which have none, with
    the reading of the topic. MQTT needs Mosquitto on this machine.

    Example: citybrain bench intake --batch 1000 --events 200000
    """
    shapes = [
        intake.Shape(
            batch,
            _CONNECTIONS.get(batch, 8),
            singles if batch == 1 else max(_CONNECTIONS.get(batch, 8), events // batch),
        )
        for batch in batches
    ]
    say = Console(stderr=True).print
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-bench-kafka-") as folder,
        kafka(broker, Path(folder)) as address,
    ):
        with intake.open_door(address, say) as door:
            asyncio.run(intake.measure_http(door, intake.Shape(100, 4, 40)))  # warms both up
            for shape in shapes:
                say(f"{shape.requests:,} requests of {shape.batch} …")
                rows.append(asyncio.run(intake.measure_http(door, shape)))
        with lines.open_door(address) as door_of_lines:
            others = _lines(door_of_lines, sentences, messages, say)
    click.echo(intake.table(rows))
    click.echo()
    click.echo(lines.table(others))
    if not all(row.is_right for row in rows):
        raise click.exceptions.Exit(Exit.FINDING)


def _lines(
    door: lines.Door, sentences: int, messages: int, say: Callable[[str], None]
) -> list[lines.Measured]:
    """Measure what comes in by lines."""
    say(f"{sentences:,} sentences …")
    rows = [asyncio.run(lines.measure_nmea(door, sentences))]
    if door.mqtt:
        say(f"{messages:,} messages …")
        rows.append(asyncio.run(lines.measure_mqtt(door, messages)))
    else:
        say("MQTT is left out: there is no mosquitto in /usr/sbin or /usr/bin")
    return rows
