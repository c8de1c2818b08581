"""`citybrain bench screens`: event to screen, with the whole city talking."""

import asyncio
import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from deploy.bench.engine import kafka
from deploy.bench.screens.run import as_table, measure
from deploy.errors import Exit
from deploy.options import own_kafka_option, report_option


@click.command()
@click.option("--screens", type=click.IntRange(min=1), default=50, show_default=True)
@click.option(
    "--duration", type=click.FloatRange(min=5), default=60, show_default=True, help="Seconds."
)
@click.option("--warm-up", type=click.FloatRange(min=1), default=20, show_default=True)
@report_option
@own_kafka_option
def command(
    *, screens: int, duration: float, warm_up: float, json_file: Path | None, broker: str | None
) -> None:
    """Measure the gateway: 20,000 entities, each told to fifty screens as it changes.

    9,400 sensors and 400 vessels speak once a second, 9,700 cameras every ten; every
    fifth screen sees the whole city, the others a third of it. Kafka, gateway, city
    and screens are processes of their own on this machine. After ten minutes it also
    says whether the gateway's memory was flat over the last five, and exits with 1 if not.

    Example: citybrain bench screens --duration 600
    """
    progress = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-bench-screens-") as folder,
        kafka(broker, Path(folder) / "kafka") as address,
    ):
        found = asyncio.run(
            measure(
                address,
                Path(folder),
                screens=screens,
                warm_up_s=warm_up,
                duration_s=duration,
                say=progress.print,
            )
        )
    click.echo(as_table(found))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if found.memory.flat is False:
        raise click.exceptions.Exit(Exit.FINDING)
