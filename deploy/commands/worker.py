"""`citybrain worker`: agents, one process each."""

import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import click

from agents.app import changelog_of, create_app
from agents.guard import UnsafeSettingError
from agents.roster import AGENTS
from agents.settings import Settings
from agents.worker import run
from deploy import processes, topics_admin
from deploy.errors import Fault
from deploy.options import broker_option, city_option, open_city, state_option
from deploy.ports import is_free
from deploy.supervisor import supervise


class _Given(NamedTuple):
    """The options, to be handed on to the process of each agent."""

    settings: Settings
    city: Path
    loglevel: str


@click.command(epilog=f"Agents: {', '.join(AGENTS)}.")
@click.argument("agents", nargs=-1, type=click.Choice(list(AGENTS)), metavar="[AGENT]…")
@city_option
@state_option("Folder of the agents' copy of their state.")
@click.option(
    "--instance",
    default="0",
    show_default=True,
    envvar="CITYBRAIN_INSTANCE",
    show_envvar=True,
    help="Name of this worker among several of the same agents.",
)
@click.option(
    "--metrics-port",
    type=int,
    default=0,
    show_default=True,
    envvar="CITYBRAIN_METRICS_PORT",
    show_envvar=True,
    help="Of the first agent's /metrics, the next ones follow; 0 takes free ones.",
)
@click.option(
    "--commit-interval",
    type=float,
    default=1.0,
    show_default=True,
    help="Seconds between commits.",
)
@click.option(
    "--stuck-after",
    type=float,
    default=30.0,
    show_default=True,
    help="Seconds of lag without progress to end after.",
)
@click.option(
    "--replication",
    type=int,
    default=1,
    show_default=True,
    help="Of changelogs that do not exist yet.",
)
@click.option(
    "--loglevel",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    default="INFO",
    show_default=True,
)
@broker_option
def command(
    *,
    agents: Sequence[str],
    city_dir: Path,
    state: Path,
    instance: str,
    metrics_port: int,
    commit_interval: float,
    stuck_after: float,
    replication: int,
    loglevel: str,
    address: str,
    prefix: str,
) -> None:
    """Run agents: all, or those that are named; each in a process of its own.

    An agent that fails ends its process and is started again from its durable
    state. One agent that is named alone runs in this process, for a supervisor
    of your own: exit code 0 after a signal, 1 after a failure.

    \b
    Examples:
      citybrain worker
      citybrain worker readings --instance 2 --broker kafka:9092
    """
    settings = Settings(
        broker=address,
        data_dir=state.resolve(),
        prefix=prefix,
        metrics_port=metrics_port,
        commit_interval_s=commit_interval,
        stuck_after_s=stuck_after,
        instance=instance,
        replication=replication,
    )
    given = _Given(settings, city_dir.resolve(), loglevel)
    names = list(agents) or list(AGENTS)
    if len(names) == 1:
        sys.exit(_run_here(names[0], given))
    supervise(names, lambda name: _start(name, names.index(name), given))


def _run_here(name: str, given: _Given) -> int:
    """Run one agent in this process."""
    settings = given.settings
    if settings.metrics_port and not is_free(settings.metrics_port):
        raise Fault(
            f"/metrics of agent {name} cannot be served: port {settings.metrics_port} is taken",
            "Give another --metrics-port; 0 takes a free one.",
        )
    spec = AGENTS[name](open_city(given.city))
    counts = topics_admin.partition_counts(settings.broker, settings.prefix, spec.inputs)
    topics_admin.ensure_changelog(
        settings.broker,
        changelog_of(name, settings.prefix),
        counts[spec.inputs[0]],
        settings.replication,
    )
    try:
        app = create_app(spec, settings, counts)
    except UnsafeSettingError as unsafe:
        raise Fault(f"Refused to start agent {name}: {unsafe}") from None
    click.echo(f"{name}: metrics at http://127.0.0.1:{app.conf.web_port}/metrics", err=True)
    return run(app, given.loglevel)


def _start(name: str, place: int, given: _Given) -> Popen[bytes]:
    settings = given.settings
    port = settings.metrics_port + place if settings.metrics_port else 0
    words = {
        "--city": given.city,
        "--state": settings.data_dir,
        "--instance": settings.instance,
        "--metrics-port": port,
        "--commit-interval": settings.commit_interval_s,
        "--stuck-after": settings.stuck_after_s,
        "--replication": settings.replication,
        "--loglevel": given.loglevel,
        "--broker": settings.broker,
        "--prefix": settings.prefix,
    }
    options = [str(word) for pair in words.items() for word in pair]
    return processes.spawn([sys.executable, "-m", "deploy.cli", "worker", name, *options])
