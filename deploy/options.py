"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from deploy.broker import DEFAULT_DATA, EmbeddedBroker
from deploy.cities import LONGGANG, load_city
from deploy.errors import Fault
from streams.city.findings import CityFault
from streams.city.model import City

_Command = TypeVar("_Command", bound=Callable[..., Any])
_DATA_DIR = "deploy.options.data_dir"
_MOST_FINDINGS = 5
MAYBE_NO_BROKER = "deploy.options.maybe_no_broker"
"""Set in a context's meta by an eager option that lets the command do without Kafka."""


def data_option(command: _Command) -> _Command:
    """Add `--data`: where the embedded broker and the workers keep their files."""
    return click.option(
        "--data",
        "data_dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_DATA,
        show_default=True,
        envvar="CITYBRAIN_DATA",
        show_envvar=True,
        help="Folder of the embedded broker and of the workers' state.",
    )(command)


def state_option(holds: str) -> Callable[[_Command], _Command]:
    """Add `--state`: the folder of what a service keeps, as `state`; `holds` says what."""
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_DATA,
        show_default=True,
        envvar="CITYBRAIN_DATA",
        show_envvar=True,
        help=holds,
    )


def _resolve(ctx: click.Context, _param: click.Parameter, given: str | None) -> str:
    if given:
        return given
    if ctx.resilient_parsing or ctx.meta.get(MAYBE_NO_BROKER):
        return ""
    return embedded_address(ctx)


def embedded_address(ctx: click.Context) -> str:
    """Return the address of the embedded broker on --data.

    Raises:
        Fault: None runs there.
    """
    data_dir: Path = ctx.meta.get(_DATA_DIR, DEFAULT_DATA)
    state = EmbeddedBroker(data_dir).running()
    if state is None:
        raise Fault(
            f"No Kafka: CITYBRAIN_BROKER is not set and no embedded broker runs on {data_dir}",
            "Start one with `citybrain broker start --detach`, or give --broker HOST:PORT.",
        )
    return state.address


def broker_option(command: _Command) -> _Command:
    """Add `--broker`, `--prefix` and `--data`.

    The command gets the `address` to talk to and the `prefix` of topic names.
    """
    with_prefix = click.option(
        "--prefix",
        default="",
        envvar="CITYBRAIN_PREFIX",
        show_envvar=True,
        help="Stands before every topic name, as for the workers.",
    )(command)
    with_broker = click.option(
        "--broker",
        "address",
        metavar="HOST:PORT[,…]",
        envvar="CITYBRAIN_BROKER",
        show_envvar=True,
        callback=_resolve,
        help="Kafka to talk to; default: the embedded one that runs on --data.",
    )(with_prefix)
    # is_eager: --data is parsed before the callback of --broker looks at it.
    return click.option(
        "--data",
        "data_dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_DATA,
        show_default=True,
        envvar="CITYBRAIN_DATA",
        show_envvar=True,
        is_eager=True,
        expose_value=False,
        callback=_remember_data,
        help="Folder of the embedded broker.",
    )(with_broker)


def own_kafka_option(command: _Command) -> _Command:
    """Add `--broker`, as `broker`: of commands that else start a Kafka of their own."""
    return click.option(
        "--broker",
        metavar="HOST:PORT[,…]",
        envvar="CITYBRAIN_BROKER",
        show_envvar=True,
        help="Kafka to run on; default: an embedded one of its own.",
    )(command)


def report_option(command: _Command) -> _Command:
    """Add `--json`: the file that a benchmark's whole report goes into, as `json_file`."""
    return click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the whole of it here, as JSON.",
    )(command)


def write_report(file: Path, told: object) -> None:
    """Write a whole report as JSON; Fault when the file cannot be written."""
    try:
        file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise Fault(f"{file} cannot be written: {error.strerror}") from error


def city_option(command: _Command) -> _Command:
    """Add `--city`: the folder of a city's files, as `city_dir`."""
    return click.option(
        "--city",
        "city_dir",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        default=LONGGANG,
        envvar="CITYBRAIN_CITY",
        show_envvar=True,
        help="Folder of the city's files.  [default: Longgang]",
    )(command)


def _speed(_ctx: click.Context, _param: click.Parameter, given: str) -> float | None:
    """Read `--speed`; None is as fast as it goes."""
    if given == "max":
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{given!r} is neither a number above 0 nor max")
    return speed


def speed_option(command: _Command) -> _Command:
    """Add `--speed`: how many times the events' own pace; None is as fast as it goes."""
    return click.option(
        "--speed",
        default="1",
        show_default=True,
        metavar="X|max",
        callback=_speed,
        help="Times the events' own pace; max does not wait.",
    )(command)


def open_city(folder: Path) -> City:
    """Return the city in `folder`; Fault with the first findings when it is broken."""
    try:
        return load_city(folder)
    except CityFault as broken:
        count = len(broken.findings)
        told = "\n".join(f"  {finding}" for finding in broken.findings[:_MOST_FINDINGS])
        raise Fault(
            f"The city in {folder} has {count} fault{'s' * (count > 1)}:\n{told}",
            f"See all of them with: citybrain city check {folder}",
        ) from None


def _remember_data(ctx: click.Context, _param: click.Parameter, given: Path) -> Path:
    ctx.meta[_DATA_DIR] = given
    return given
