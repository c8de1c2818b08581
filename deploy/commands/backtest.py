"""`citybrain backtest`: the rules over recordings, without a broker."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import click

from deploy.backtest import Backtest, Counts
from deploy.errors import Fault
from deploy.options import city_option, open_city
from deploy.recordingfiles import KINDS, merged, reader_of
from deploy.scoring import Label, Score, read_labels, score
from feeds.recordings import KeyedRecord
from schemas.alerts import Alert
from schemas.codec import decode
from schemas.topics import ALERTS, DEADLETTER, DISPATCH_ORDERS, INCIDENTS, REMINDERS
from streams.operator import Send

_FILES: Final[Mapping[str, str]] = {
    ALERTS: "alerts.jsonl",
    INCIDENTS: "incidents.jsonl",
    DISPATCH_ORDERS: "dispatch.jsonl",
    REMINDERS: "reminders.jsonl",
    DEADLETTER: "deadletter.jsonl",
}
_NEWS_S = 2.0


class _Input(NamedTuple):
    kind: str
    file: Path
    source: str


def _inputs(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> tuple[_Input, ...]:
    """Read KIND:FILE[@SOURCE] options."""
    inputs = []
    for text in given:
        kind, _, rest = text.partition(":")
        name, _, source = rest.partition("@")
        file = Path(name)
        if kind not in KINDS or not rest:
            raise click.BadParameter(
                f"{text!r} is not KIND:FILE, with KIND one of {', '.join(KINDS)}"
            )
        if not file.is_file():
            raise click.BadParameter(f"there is no file {name}")
        if reader_of(file, kind) is None:
            raise click.BadParameter(f"{file.name} cannot be read as {kind}")
        inputs.append(_Input(kind, file, source or "replay"))
    return tuple(inputs)


@click.command()
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="KIND:FILE[@SOURCE]",
    callback=_inputs,
    help="A recording; several are merged by time. KIND as in `citybrain replay --as`; "
    "SOURCE is the sensor or station that a file without one is given to.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for alerts.jsonl, incidents.jsonl, dispatch.jsonl, summary.json …",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV of what should have been found (kind,subject,from,until): precision and recall.",
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds that pass after the last record, as when feeds fall silent.",
)
@city_option
def command(
    *, inputs: tuple[_Input, ...], output: Path, labels: Path | None, drain: float, city_dir: Path
) -> None:
    """Run a city's rules over recordings on a virtual clock, far faster than real time.

    The same operators as the live agents, so the same alerts and incidents with
    the same ids. Clocks toward people run on the recording's time, and nobody
    answers: orders escalate.

    \b
    Examples:
      citybrain backtest --input nmea:log.nmea.gz --output out
      citybrain backtest --input sensor:night.csv@noise-001 --labels truth.csv --output out
    """
    city = open_city(city_dir)
    wanted = _labels(labels)
    output.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with ExitStack() as stack:
        sink = _Sink(stack, output, keep_alerts=bool(wanted))
        try:
            recordings = [_told(one, city.code) for one in inputs]
            counts = Backtest(city, sink.take).run(merged(recordings), drain)
        except (ValueError, OSError) as error:
            raise Fault(str(error), "Is it the file, and undamaged?") from error
    took_s = time.monotonic() - began
    compared = score(sink.alerts, wanted) if wanted else None
    summary = _summary(counts, sink.kinds, compared, city.version)
    (output / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    _show(summary, took_s, output)


class _Sink:
    """Writes what is sent to one file a topic, as JSON lines."""

    def __init__(self, stack: ExitStack, output: Path, *, keep_alerts: bool) -> None:
        self._files: dict[str, IO[bytes]] = {
            topic: stack.enter_context((output / name).open("wb")) for topic, name in _FILES.items()
        }
        self._keep_alerts = keep_alerts
        self.alerts: list[Alert] = []
        self.kinds: Counter[tuple[str, str]] = Counter()

    def take(self, send: Send) -> None:
        file = self._files.get(send.topic)
        if file is None:
            return
        file.write(send.value + b"\n")
        if send.topic == ALERTS:
            alert = decode(Alert, send.value)
            self.kinds[alert.kind, alert.transition] += 1
            if self._keep_alerts:
                self.alerts.append(alert)


def _told(one: _Input, city: str) -> Iterator[KeyedRecord]:
    """Read a recording, with news of how far on a terminal."""
    reader = reader_of(one.file, one.kind)
    assert reader is not None  # noqa: S101 - the option's callback has asked
    source = city if one.kind == "complaint" else one.source
    last = time.monotonic()
    for number, record in enumerate(reader(one.file, source), 1):
        if sys.stderr.isatty() and time.monotonic() - last > _NEWS_S:
            last = time.monotonic()
            click.echo(f"\r{one.file.name}: {number} records", nl=False, err=True)
        yield record


def _labels(file: Path | None) -> list[Label]:
    if file is None:
        return []
    try:
        return read_labels(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise Fault(f"{file}: the text is not UTF-8", "Save the file as UTF-8.") from None
    except ValueError as error:
        raise Fault(f"{file}: {error}") from None


def _summary(
    counts: Counts,
    kinds: Counter[tuple[str, str]],
    compared: Score | None,
    city_version: str,
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "city_version": city_version,
        "records": counts.records,
        "events_used": counts.used,
        "refused": dict(counts.refused),
        "sent": dict(counts.sent),
        "alerts": {f"{kind} {transition}": n for (kind, transition), n in sorted(kinds.items())},
    }
    if compared is not None:
        summary["score"] = {
            **compared._asdict(),
            "precision": compared.precision,
            "recall": compared.recall,
        }
    return summary


def _show(summary: dict[str, Any], took_s: float, output: Path) -> None:
    click.echo(f"{summary['records']} records in {took_s:.1f} s; written to {output}")
    for name in ("refused", "sent", "alerts"):
        for key, count in summary[name].items():
            click.echo(f"  {name:8} {key:40} {count:8}")
    if "score" in summary:
        told = summary["score"]
        click.echo(f"  precision {told['precision']}  recall {told['recall']}  {told}")
