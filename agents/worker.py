"""Runs one agent in this process, until a signal or a failure ends it."""

import asyncio
import gc
import logging
import sys
from typing import Any, cast

import faust

from agents.app import CityApp

LOGGERS_AT_WARNING = ("aiokafka", "kafka", "faust", "mode", "aiohttp.access")


def run(app: CityApp, loglevel: str = "INFO") -> int:
    """Run `app` until it ends; return the process's exit code.

    SIGINT and SIGTERM stop intake, finish and commit what is in work, and leave
    the group. Anything that crashes the app gives exit code 1, so that whoever
    supervises the process starts it again and the batch is delivered again.
    """
    limit_client_logs()
    _spare_the_collector()
    worker = faust.Worker(
        app,
        loglevel=loglevel,
        redirect_stdouts=False,
        stdout=sys.stderr,
        quiet=True,
        loop=asyncio.new_event_loop(),
    )
    worker.spinner = None  # for a person at a terminal; this is a service
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return int(cast("Any", ended.code) or 0)
    return 1 if app.crashed else 0


def limit_client_logs() -> None:
    """Keep the clients' logs to warnings, so that a refused connection cannot flood."""
    for name in LOGGERS_AT_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)


def _spare_the_collector() -> None:
    """Make garbage collection rare: batches are freed by reference counts.

    With the defaults a seventh of a busy worker's time went into looking for
    cycles among the records of batches, which have none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
