"""Groups of commands, each in a module that is imported only when it is asked for.

So `--help` is quick, and a broken corner stays a corner.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose members are modules, each with a click command named `command`.

    Args:
        members: Name of each member, with what it does in one line.
        stem: The module of `name` is `deploy.commands.<stem><name>`.
    """

    def __init__(self, *args: Any, members: Mapping[str, str], stem: str = "", **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._members = members
        self._stem = stem

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that who reads has closed the pipe is an end like another."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with 1, which is a finding here
            # Python would complain again when it flushes the closed pipe at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)

    def list_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's
    ) -> list[str]:
        return list(self._members)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in self._members:
            return None
        module = importlib.import_module(f"deploy.commands.{self._stem}{cmd_name}")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._members.items()))
