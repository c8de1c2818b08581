"""`citybrain incident`: an operator's word about incidents, and the answer to it."""

import asyncio
import time
import uuid
from difflib import get_close_matches
from pathlib import Path

import click

from deploy.asking import ask
from deploy.errors import Exit, Fault
from deploy.options import broker_option, city_option, open_city
from schemas.incidents import IncidentAction, IncidentCommand
from schemas.topics import INCIDENT_COMMANDS, INCIDENT_REPLIES
from streams.city.model import City

_HOUR_MS = 3_600_000


@click.command(epilog=f"ACTION is one of {', '.join(IncidentAction)}.")
@click.argument(
    "action", metavar="ACTION", type=click.Choice([action.value for action in IncidentAction])
)
@click.option("--by", required=True, help="Who says so.")
@click.option("--reason", required=True, help="Why.")
@click.option("--role", default="operator", show_default=True, help="In which role.")
@click.option("--second", default="", help="The second person, where two are needed.")
@click.option("--incident", "incident_id", default="", help="split, merge: the one that stays.")
@click.option("--other", "others", multiple=True, help="merge: an incident that joins it.")
@click.option("--alert", "alert_ids", multiple=True, help="split: an alert that leaves.")
@click.option("--area", default="", help="silence: an area or venue.")
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    help="silence: a device, a venue, a vessel; roll-call: the boat, by its code.",
)
@click.option("--kind", "kinds", multiple=True, help='silence: a kind; may end in "*".')
@click.option(
    "--hours",
    type=click.FloatRange(min=0),
    help="silence: how long; roll-call: in how many the skipper promises to be in harbour.",
)
@click.option("--answered", is_flag=True, help="roll-call: the skipper answered.")
@click.option("--silence", "silence_id", default="", help="unsilence: the id of the silence.")
@click.option("--mode", default="", help="mode-on, mode-off: which.")
@click.option("--id", "command_id", default="", help="Id of the command; safe to repeat.")
@click.option("--timeout", "timeout_s", default=15.0, show_default=True, help="Seconds to wait.")
@city_option
@broker_option
def command(
    *,
    action: str,
    by: str,
    reason: str,
    role: str,
    second: str,
    incident_id: str,
    others: tuple[str, ...],
    alert_ids: tuple[str, ...],
    area: str,
    subjects: tuple[str, ...],
    kinds: tuple[str, ...],
    hours: float | None,
    answered: bool,
    silence_id: str,
    mode: str,
    command_id: str,
    timeout_s: float,
    city_dir: Path,
    address: str,
    prefix: str,
) -> None:
    """Say ACTION about incidents, and show the answer; exit code 1 when it is refused.

    \b
    Example: citybrain incident silence --kind 'noise.*' --area square-riverside --hours 2 \\
                 --by op-7 --reason 'licensed concert'
             citybrain incident mode-on --mode typhoon --by duty-1 --second duty-2 \\
                 --role duty-officer --reason 'orange signal'
             citybrain incident roll-call --subject LG-V012 --answered --hours 2 \\
                 --by coast-1 --reason 'off Nanji, on his way in'
    """
    known = open_city(city_dir)
    city = known.code
    if action == IncidentAction.ROLL_CALL:
        _check_boats(known, subjects)
    now_ms = time.time_ns() // 1_000_000
    word = IncidentCommand(
        source="citybrain.cli",
        kind="incident.command",
        subject=city,
        event_time_ms=now_ms,
        id=command_id or str(uuid.uuid4()),
        action=IncidentAction(action),
        by=by,
        role=role,
        second=second,
        reason=reason,
        incident_id=incident_id,
        others=others,
        alert_ids=alert_ids,
        area=area,
        subjects=subjects,
        kinds=kinds,
        until_time_ms=None if hours is None else now_ms + round(hours * _HOUR_MS),
        answered=answered,
        silence_id=silence_id,
        mode=mode,
    )
    topics = prefix + INCIDENT_COMMANDS, prefix + INCIDENT_REPLIES
    reply = asyncio.run(ask(address, topics, city, word, timeout_s))
    if reply is None:
        raise Fault(
            f"No answer to {word.id} within {timeout_s:g} s",
            "Does the incidents' agent run? Say it again with the same --id: it is done once.",
        )
    done = "done" if reply.accepted else f"refused, {reply.reason}"
    click.echo(f"{word.id}  {action}: {done}" + (f": {reply.hint}" if reply.hint else ""))
    if not reply.accepted:
        raise click.exceptions.Exit(Exit.FINDING)


def _check_boats(city: City, named: tuple[str, ...]) -> None:
    """Refuse a boat that the register does not have: nobody would miss its answer."""
    codes = {boat.code for boat in city.vessels.values()}
    for code in named:
        if code not in codes:
            near = get_close_matches(code, codes, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise click.UsageError(f"no boat {code!r} in the register{hint}")
