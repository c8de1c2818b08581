"""`citybrain tail`: watch a topic."""

import asyncio
from contextlib import aclosing

import click
from aiokafka import ConsumerRecord

from deploy import render, tail
from deploy.errors import Exit
from deploy.options import broker_option


def _conditions(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> list[tail.Where]:
    try:
        return [tail.Where.parse(text) for text in given]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("topic")
@click.option(
    "--where",
    "where",
    multiple=True,
    metavar="FIELD=VALUE",
    callback=_conditions,
    help="Only records whose field reads so; may be given again, all must hold.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--from-beginning", is_flag=True, help="Start at the oldest record kept.")
@click.option(
    "--newest",
    is_flag=True,
    help="The newest record of each key, and end; for the .latest topics, kpi, devices.status.",
)
@click.option("--max", "most", type=click.IntRange(min=1), help="End after so many records.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="End after S seconds.",
)
@broker_option
def command(
    *,
    topic: str,
    where: list[tail.Where],
    address: str,
    prefix: str,
    most: int | None,
    timeout_s: float | None,
    as_json: bool,
    from_beginning: bool,
    newest: bool,
) -> None:
    """Watch TOPIC, a readable line a record, until Ctrl-C.

    With --max and --timeout the exit code is 1 when fewer came in time.

    \b
    Example: citybrain tail alerts --where severity=Severe
             citybrain tail incidents --from-beginning --json --max 10
             citybrain tail kpi --newest --where subject=longgang
    """
    if newest and (from_beginning or most or timeout_s is not None):
        raise click.UsageError("--newest reads all and ends: not with the options of a watch.")

    def say(record: ConsumerRecord) -> None:
        click.echo(tail.as_json(record).decode() if as_json else render.line(record.value))

    async def show() -> int:
        shown = 0
        records = tail.watch(
            address,
            prefix + topic,
            where,
            from_beginning=from_beginning,
            most=most,
            timeout_s=timeout_s,
        )
        async with aclosing(records):
            async for record in records:
                say(record)
                shown += 1
        return shown

    if newest:
        for record in asyncio.run(tail.newest(address, prefix + topic, where)):
            say(record)
        return
    if asyncio.run(show()) < (most or 0):
        raise click.exceptions.Exit(Exit.FINDING)
