"""`citybrain broker`: the embedded Kafka."""

import signal
import threading
from pathlib import Path
from types import FrameType

import click

from deploy.broker import EmbeddedBroker
from deploy.errors import Exit
from deploy.kafkajars import ensure_jars
from deploy.options import data_option


@click.group()
def command() -> None:
    """Start, stop and look at the embedded Kafka."""


@command.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen. [default: free]")
@click.option("--detach", is_flag=True, help="Leave it running and return.")
def start(data_dir: Path, port: int | None, *, detach: bool) -> None:
    """Start Kafka on this machine, for this machine.

    Stays until Ctrl-C, and Kafka ends with it; --detach leaves it running.

    Example: citybrain broker start --port 9092
    """
    broker = EmbeddedBroker(data_dir, port)
    address = broker.start(detach=detach)
    click.echo(f"Kafka serves at {address}, data in {broker.home}")
    if detach:
        click.echo("Stop it with: citybrain broker stop")
        return
    click.echo("Ctrl-C stops it.")
    over = threading.Event()

    def on_term(_signum: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, on_term)
    try:
        while broker.running() is not None and not over.wait(timeout=0.5):
            pass
    except KeyboardInterrupt:
        over.set()
    finally:
        broker.stop()
    if not over.is_set():
        click.echo(f"Kafka ended by itself; its log: {broker.log_file}", err=True)
        raise click.exceptions.Exit(Exit.FAULT)


@command.command()
@data_option
def stop(data_dir: Path) -> None:
    """Stop the Kafka that runs on the data folder.

    Example: citybrain broker stop
    """
    if EmbeddedBroker(data_dir).stop():
        click.echo("Kafka stopped.")
    else:
        click.echo(f"No embedded Kafka runs on {data_dir}.")


@command.command()
@data_option
def status(data_dir: Path) -> None:
    """Say whether Kafka runs on the data folder, and where (exit code 1: no).

    Example: citybrain broker status
    """
    state = EmbeddedBroker(data_dir).running()
    if state is None:
        click.echo(f"No embedded Kafka runs on {data_dir}.")
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"Kafka serves at {state.address} (pid {state.pid}), data in {data_dir}")


@command.command()
def fetch() -> None:
    """Fetch Kafka's jars now, so that the first start need not.

    Example: citybrain broker fetch
    """
    click.echo(f"Kafka's jars are in {ensure_jars()}")
