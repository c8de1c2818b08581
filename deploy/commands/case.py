"""`citybrain case`: the command side of a city from a terminal."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from deploy import casebook, casestory
from deploy.asking import ask
from deploy.commands import case_report, case_venues
from deploy.errors import Exit, Fault
from deploy.options import broker_option, city_option, open_city
from deploy.render import local_time
from schemas.commands import CaseAction, CaseCommand
from schemas.responders import UnitState
from schemas.topics import CASE_COMMANDS, CASE_REPLIES
from streams.matters.dispatch import CITY

_OVER = frozenset({"closed", "false-alarm", "merged"})
_WHOLE_ID = 36
_STEPS_OF_SUPERVISION = ("reminder", "supervisor", "notice")


@click.group()
def command() -> None:
    """List, show, act on and verify the cases of a city, and report on them."""


command.add_command(case_report.command)
command.add_command(case_venues.command)


@command.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Ended ones too.")
@click.option("--unit", help="Only cases that this unit has an order of.")
@click.option("--breached", is_flag=True, help="Only those that have broken a promise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@broker_option
def list_(
    *, with_ended: bool, unit: str | None, breached: bool, as_json: bool, address: str, prefix: str
) -> None:
    """List the cases, the least time left first.

    Example: citybrain case list --breached
    """
    fitting = [
        record
        for record in asyncio.run(casebook.records(address, prefix)).values()
        if (unit is None or any(one["unit"] == unit for one in record.get("orders", ())))
        and (not breached or record.get("breaches"))
    ]
    found = [one for one in fitting if with_ended or one["state"] not in _OVER]
    now_ms = time.time_ns() // 1_000_000
    for record in sorted(found, key=_urgency):
        if as_json:
            click.echo(orjson.dumps(record))
            continue
        clocks = [casestory.clock_in_words(one, now_ms) for one in record.get("clocks", ())]
        state = record["state"]
        name = record.get("function") or record["incident_kind"]
        owner = record.get("unit_name") or record.get("unit", "-")
        head = f"{record['case_id'][:13]}  {casestory.STATES.get(state, state)} {state}"
        click.echo(f"{head}  {name}  {owner}")
        if clocks:
            click.echo(f"    {' · '.join(clocks)}")
        if record.get("function"):
            click.echo(f"    {casestory.answers_in_words(record)}")
    if not as_json:
        ended = len(fitting) - len(found)
        click.echo(f"{len(found)} cases" + (f", {ended} ended (--all)" if ended else ""))


@command.command()
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True, help="The record and its steps as JSON.")
@broker_option
def show(*, case_id: str, as_json: bool, address: str, prefix: str) -> None:
    """Show one case with its whole story; the beginning of its id is enough.

    Example: citybrain case show 7d1f0c2e
    """
    book = asyncio.run(casebook.read(address, prefix))
    key = book.find(case_id)
    record, steps = book.records[key], book.chains.story(key)
    if as_json:
        story = [dict(step.wire) for step in steps]
        click.echo(orjson.dumps({"record": record, "events": story}))
        return
    for line in casestory.head_of(record):
        click.echo(line)
    now_ms = time.time_ns() // 1_000_000
    for clock in record.get("clocks", ()):
        click.echo(f"  {casestory.clock_in_words(clock, now_ms)}")
    for step in steps:
        click.echo(f"  {step.seq:>3}  {casestory.step_in_words(step.wire)}")
    for finding in (one for one in book.findings if one.case_id == key):
        click.echo(f"  step {finding.seq} is {finding.why}: the log is not as it was written")


@command.command(epilog=f"ACTION is one of {', '.join(CaseAction)}.")
@click.argument("case_id")
@click.argument("action", metavar="ACTION", type=click.Choice([one.value for one in CaseAction]))
@click.option("--by", required=True, help="Who says so.")
@click.option("--role", default="field", show_default=True, help="In which role.")
@click.option("--unit", default="", help="The unit that they speak for.")
@click.option("--reason", default="", help="Why.")
@click.option("--photo", default="", help="Reference of a photo.")
@click.option("--state", type=click.Choice([one.value for one in UnitState]), help="With status.")
@click.option("--at", "place", default="", help="From where it is said: lon,lat (WGS-84).")
@click.option("--order", "order_id", default="", help="The order that it is about.")
@click.option("--to-unit", default="", help="With reassign: who is to have it.")
@click.option("--into", default="", help="With merge: the case that takes it in.")
@click.option("--units", multiple=True, help="With city-task and helpers; may be given again.")
@click.option("--area", "areas", multiple=True, help="With city-task and visit.")
@click.option("--level", default="", help="With city-task: community or grid.")
@click.option("--ring", default="", help="With city-task: a drawn area, lon,lat,lon,lat,…")
@click.option("--department", "departments", multiple=True, help="With helpers, whistle, visit.")
@click.option("--text", default="", help="What is to be done.")
@click.option("--within", "within_s", type=click.IntRange(min=1), help="Seconds to answer.")
@click.option("--id", "command_id", default="", help="Your own id: the same id is done once.")
@click.option("--timeout", "timeout_s", default=10.0, show_default=True, help="Seconds to wait.")
@city_option
@broker_option
def act(
    *,
    case_id: str,
    ring: str,
    place: str,
    state: str | None,
    command_id: str,
    timeout_s: float,
    city_dir: Path,
    address: str,
    prefix: str,
    **said: Any,
) -> None:
    """Give a command and wait for its answer; exit code 1 when it is refused.

    CASE_ID is a case (the beginning of its id is enough), or `city` for what is about
    no case yet.

    \b
    Example: citybrain case act 7d1f0c2e accept --by worker-31 --unit LG-G100-worker
             citybrain case act city city-task --by mayor --role desk --level community \\
                 --text "check all fire doors" --within 3600
    """
    city = open_city(city_dir).code
    at_lon_deg, at_lat_deg = _place(place)
    ring_deg = _ring(ring)
    if case_id not in {CITY, city} and len(case_id) < _WHOLE_ID:
        case_id = asyncio.run(casebook.whole_id(address, prefix, case_id))
    now_ms = time.time_ns() // 1_000_000
    order = CaseCommand(
        source="citybrain.case",
        kind="case.command",
        subject=case_id,
        event_time_ms=now_ms,
        id=command_id or str(uuid.uuid4()),
        action=CaseAction(said.pop("action")),
        ring_deg=ring_deg,
        state=UnitState(state) if state else None,
        at_lon_deg=at_lon_deg,
        at_lat_deg=at_lat_deg,
        **said,
    )
    topics = prefix + CASE_COMMANDS, prefix + CASE_REPLIES
    reply = asyncio.run(ask(address, topics, city, order, timeout_s))
    if reply is None:
        raise Fault(
            f"No answer within {timeout_s:g} s; the command is in the topic and will be answered",
            "Does the dispatch agent run? citybrain worker dispatch",
        )
    if not reply.accepted:
        click.echo(f"refused: {reply.reason}: {reply.hint}")
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"accepted: {order.action} {reply.case_id}".rstrip())


@command.command()
@broker_option
def verify(*, address: str, prefix: str) -> None:
    """Say whether every story is whole, as it was written (exit code 1 when not).

    Example: citybrain case verify
    """
    book = asyncio.run(casebook.read(address, prefix))
    for finding in book.findings:
        click.echo(f"{finding.case_id} step {finding.seq}: {finding.why}")
    repeated = book.chains.repeated()
    told = f", {repeated} steps decided again after a crash" if repeated else ""
    click.echo(f"{book.chains.cases} cases, {len(book.findings)} findings{told}")
    if book.findings:
        raise click.exceptions.Exit(Exit.FINDING)


@command.command()
@click.option("--department", help="Only units of this department.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@city_option
@broker_option
def units(
    *, department: str | None, as_json: bool, city_dir: Path, address: str, prefix: str
) -> None:
    """List units: how they stand, orders at hand, where and how long ago that was.

    A unit of which nothing was heard yet is shown as free.

    Example: citybrain case units --department fire
    """
    known = open_city(city_dir).roster.units.values()
    departments = sorted({unit.department for unit in known if unit.department})
    if department is not None and department not in departments:
        raise click.UsageError(
            f"no unit is of the department {department!r}; known: {', '.join(departments)}"
        )
    told = asyncio.run(casebook.units(address, prefix))
    found = [
        unit
        for unit in known
        if (department is None or unit.department == department)
        and (department is not None or unit.code in told)
    ]
    now_ms = time.time_ns() // 1_000_000
    for unit in found:
        status = told.get(unit.code, {"subject": unit.code, "state": "free"})
        if as_json:
            click.echo(orjson.dumps(status))
        else:
            click.echo(f"{unit.code:<14} {casestory.standing_in_words(status, now_ms)}")
    if not as_json:
        click.echo(f"{len(found)} units")


@command.command()
@broker_option
def supervised(*, address: str, prefix: str) -> None:
    """Count supervision by unit: reminders, supervisors asked, notices.

    Example: citybrain case supervised
    """
    book = asyncio.run(casebook.read(address, prefix))
    counts: Counter[tuple[str, str]] = Counter()
    for key in book.records:
        for step in book.chains.story(key):
            if step.wire.get("action") == "supervise":
                counts[str(step.wire.get("unit")), str(step.wire.get("reason"))] += 1
    for unit in sorted({unit for unit, _ in counts}):
        told = "  ".join(f"{how} {counts[unit, how]}" for how in _STEPS_OF_SUPERVISION)
        click.echo(f"{unit}  {told}")
    click.echo(f"{len({unit for unit, _ in counts})} units")


def _urgency(record: Mapping[str, Any]) -> tuple[bool, str]:
    running = [
        local_time(one["deadline_time"])
        for one in record.get("clocks", ())
        if not one.get("stopped_time") and one.get("note") != "breach"
    ]
    return not running, min(running, default=str(record.get("opened_time")))


def _place(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    numbers = _numbers(text)
    if len(numbers) != 2:  # noqa: PLR2004 - longitude and latitude
        raise click.UsageError(f"--at {text!r}: write lon,lat in degrees, such as 120.553,27.575")
    return numbers[0], numbers[1]


def _numbers(text: str) -> tuple[float, ...]:
    """Return numbers parted by commas; none where one of them is no number."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        return ()


def _ring(text: str) -> tuple[float, ...]:
    numbers = _numbers(text)
    if text and (len(numbers) % 2 or len(numbers) < 6):  # noqa: PLR2004 - three corners
        raise click.UsageError(
            f"--ring {text!r}: write three corners or more, each as lon,lat, parted by commas"
        )
    return numbers
