"""The command line `citybrain`: one module in `deploy/commands/` a command.

Exit codes: 0 fine, 1 a finding or a
difference, 2 wrong usage, 3 the surroundings are not as they must be.
"""

import sys
from collections.abc import Mapping
from typing import Final

import click

from deploy.errors import Exit, Fault
from deploy.lazy import LazyGroup

# name -> what it does, in one line; its module is deploy/commands/<name>.py and
# holds a click command of the name `command`.
COMMANDS: Final[Mapping[str, str]] = {
    "up": "The whole city on this machine, live in this terminal.",
    "broker": "Start, stop and look at the embedded Kafka.",
    "worker": "Run agents.",
    "screens": "Serve the operations centre's screens.",
    "webhooks": "Post alerts, incidents and orders to others, signed.",
    "users": "Who may sign in to the screens, and what was done there.",
    "intake": "Open the doors through which events come in.",
    "keys": "Make, list, replace and end the keys of integrators.",
    "conform": "Say what the doors would answer to a file.",
    "topics": "Make the cluster's topics equal to the table, or say what differs.",
    "simulate": "A whole city of sources, seeded, or a story amid it.",
    "replay": "Feed a recording into the input topics.",
    "backtest": "Run the rules over recordings, without a broker.",
    "tail": "Watch a topic.",
    "case": "List, show, act on and verify the cases.",
    "deadletter": "See why records were refused, and send them again.",
    "schema": "Export the JSON Schemas, or check them for drift.",
    "incident": "Silence, split, merge, switch a mode; see the answer.",
    "rollcall": "Which boats are not in harbour yet.",
    "city": "Check a city's files.",
    "bench": "How fast this is on this machine, beside others.",
    "faults": "Kill agents under load, and account for what became of it.",
}


@click.group(
    cls=LazyGroup,
    members=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="longgang-citybrain")
def cli() -> None:
    """The city brain: events in, alerts, incidents and dispatch orders out.

    Every command talks to the Kafka that CITYBRAIN_BROKER names, else to the
    embedded one that runs on the data folder (.citybrain).
    """


def main() -> None:
    """Run the command line; Ctrl-C and a closed pipe end it without a word."""
    try:
        outcome = cli.main(standalone_mode=False)
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        if error.filename is None:
            raise
        fault = Fault(
            f"{error.filename}: {error.strerror}",
            "Is it the right path, may you read and write there, and is there room?",
        )
        fault.show()
        sys.exit(fault.exit_code)
    sys.exit(outcome if isinstance(outcome, int) else Exit.OK)


if __name__ == "__main__":
    main()
