"""`citybrain replay`: a recording into the input topics."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from deploy.errors import Fault
from deploy.feeding import Outgoing, Pace, feed
from deploy.options import broker_option, city_option, open_city, speed_option
from deploy.recordingfiles import KINDS, merged, reader_of
from feeds.recordings import KeyedRecord


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE…",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--as",
    "kind",
    required=True,
    type=click.Choice(KINDS),
    help="What is recorded in it.",
)
@speed_option
@click.option(
    "--source",
    default="replay",
    show_default=True,
    help="Sensor or station that the file is given to, where it names none.",
)
@city_option
@broker_option
def command(
    *,
    files: tuple[Path, ...],
    kind: str,
    speed: float | None,
    source: str,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Feed recordings into their input topic, event times kept; several are merged by time.

    \b
    nmea      an NMEA log, tag blocks and $PGHP stamps kept
    position  BeiDou fixes (CSV, tar.gz of CSV), or JSON lines of our wire
    sensor    a noise meter's CSV (time, LAeq), or JSON lines
    camera, complaint  JSON lines
    Each may be gzipped. Rows that cannot be read are sent as they are: the
    worker puts them among the dead letters.

    Example: citybrain replay dma_ais-sample.txt.gz --as nmea --speed max
    """
    if kind == "complaint":
        source = open_city(city_dir).code
    recordings = [_read(file, kind, source) for file in files]

    def outgoing() -> Iterator[Outgoing]:
        for record in merged(recordings):
            yield Outgoing(prefix + record.topic, record.key, record.value, record.event_time_ms)

    try:
        sent = asyncio.run(feed(address, outgoing(), Pace(speed), progress=_progress))
    except (ValueError, OSError) as error:
        raise Fault(str(error), "Is it the file, and undamaged?") from error
    click.echo(f"{sent} records sent", err=True)


def _read(file: Path, kind: str, source: str) -> Iterator[KeyedRecord]:
    read = reader_of(file, kind)
    if read is None:
        raise click.UsageError(
            f"{file.name} cannot be read as {kind}: "
            "give .jsonl, a .csv of a sensor or of positions, or an NMEA log."
        )
    return read(file, source)


def _progress(sent: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{sent} records")
        sys.stderr.flush()
