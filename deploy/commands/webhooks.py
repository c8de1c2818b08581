"""`citybrain webhooks`: alerts, incidents and orders posted to others."""

import asyncio
import logging
import signal
from pathlib import Path

import click
from aiokafka.errors import KafkaError
from prometheus_client import start_http_server

from deploy import topics_admin
from deploy.errors import Fault
from deploy.options import broker_option
from deploy.topic_reader import quiet_clients, unreachable
from schemas.topics import DEADLETTER
from screens.webhooks.courier import Kafka
from screens.webhooks.endpoints import Endpoints, EndpointsError, read
from screens.webhooks.metrics import WebhookMetrics
from screens.webhooks.serve import serve


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    envvar="CITYBRAIN_METRICS_PORT",
    show_envvar=True,
    help="Of /metrics on the loopback address; 0 takes a free one.",
)
@broker_option
def command(*, file: Path, metrics_port: int, address: str, prefix: str) -> None:
    """Post alerts, incidents and orders to the endpoints of FILE, signed, at least once.

    A new endpoint is told what comes from its first start on. One that does not
    answer is tried for a day, with growing pauses; then the message stands among
    the dead letters. None waits for another. Ctrl-C ends it; the next run goes
    on where this one was.

    \b
    Example: citybrain webhooks docs/examples/webhooks.toml
    """
    try:
        endpoints = read(file)
    except EndpointsError as error:
        raise Fault(str(error), "See docs/integrators.md, Webhooks.") from None
    except OSError as error:
        raise Fault(f"{file} cannot be read: {error}") from None
    asked = sorted({topic for endpoint in endpoints.all for topic in endpoint.topics})
    topics_admin.partition_counts(address, prefix, [*asked, DEADLETTER])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    quiet_clients()
    metrics = WebhookMetrics()
    try:
        server, _ = start_http_server(metrics_port, "127.0.0.1", metrics.registry)
    except OSError as error:
        what = f"/metrics cannot be served at 127.0.0.1:{metrics_port}: {error.strerror}"
        raise Fault(what, "Give another --metrics-port; 0 takes a free one.") from None
    names = ", ".join(endpoint.name for endpoint in endpoints.all)
    click.echo(f"webhooks: {names}; metrics at http://127.0.0.1:{server.server_port}/metrics")
    try:
        asyncio.run(_serve(endpoints, Kafka(address, prefix), metrics))
    except KafkaError:
        raise unreachable(address) from None


async def _serve(endpoints: Endpoints, kafka: Kafka, metrics: WebhookMetrics) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, over.set)
    await serve(endpoints, kafka, metrics, over)
