"""`citybrain users`: who may sign in to the screens, and the audit log."""

import sys
from pathlib import Path

import click

from deploy import demo_logins
from deploy.errors import Exit, Fault
from deploy.options import city_option, open_city, state_option
from screens.access.accounts import AccountError, Accounts
from screens.access.audit import verify
from screens.access.people import EVERYWHERE, Person, Role
from screens.known.atlas import Atlas

_state = state_option("Folder that holds screens/.")


@click.group()
def command() -> None:
    """Manage who may sign in to the screens."""


@command.command()
@click.argument("user")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
@click.option("--name", default="", help="As people call them.  [default: USER]")
@click.option(
    "--area",
    "areas",
    multiple=True,
    help="Code of a community; may be given again.  [default: * for all but operators]",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@city_option
@_state
def add(
    *,
    user: str,
    role: str,
    name: str,
    areas: tuple[str, ...],
    password_stdin: bool,
    city_dir: Path,
    state: Path,
) -> None:
    """Add USER, or give one that there is a new password, role and areas.

    A running gateway takes it at once; a user's old sessions end.

    \b
    Examples:
      citybrain users add desk-1 --role desk
      citybrain users add community-7 --role operator --area LG-C007
    """
    if not areas and role == Role.OPERATOR:
        raise click.UsageError("an operator needs at least one --area")
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    person = Person(user, name or user, Role(role), areas or (EVERYWHERE,))
    communities = Atlas(open_city(city_dir)).communities
    try:
        _accounts(state).add(person, password, communities)
    except AccountError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{user} may sign in as {role} of {', '.join(person.areas)}")


@command.command()
@city_option
@_state
def demo(*, city_dir: Path, state: Path) -> None:
    """Make one login a role, with new passwords, for a demonstration.

    Example: citybrain users demo
    """
    _accounts(state)
    for login in demo_logins.make(state, open_city(city_dir)):
        click.echo(f"{login.person.role:<9} {login}")


@command.command("list")
@_state
def list_them(*, state: Path) -> None:
    """List who may sign in.

    Example: citybrain users list
    """
    accounts = _accounts(state).all()
    if not accounts:
        click.echo("nobody yet; add somebody: citybrain users add USER --role viewer", err=True)
    for account in accounts:
        areas = ", ".join(account.areas)
        click.echo(f"{account.user:<20} {account.role:<9} {areas:<24} {account.name}")


@command.command()
@click.argument("user")
@_state
def remove(*, user: str, state: Path) -> None:
    """Remove USER; open sessions end within a second.

    Example: citybrain users remove desk-1
    """
    if not _accounts(state).remove(user):
        click.echo(f"there is no user {user}", err=True)
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"{user} may no longer sign in")


@command.command()
@_state
def audit(*, state: Path) -> None:
    """Check the audit log's chain: exit code 1 when a line was changed or taken out.

    Example: citybrain users audit
    """
    file = state / "screens" / "audit.jsonl"
    verdict = verify(file)
    if verdict.fault is not None:
        line, what = verdict.fault
        click.echo(f"{file}, line {line}: {what}; {verdict.lines} lines before it are sound")
        raise click.exceptions.Exit(Exit.FINDING)
    click.echo(f"{file}: {verdict.lines} lines, sound; head {verdict.head}")


def _accounts(state: Path) -> Accounts:
    accounts = Accounts(state / "screens" / "users.json")
    try:
        accounts.all()
    except AccountError as error:
        raise Fault(str(error), "Mend it, or remove it and add the users again.") from None
    return accounts
