"""Refusals at start: what would lose data is an error, not a warning."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from aiokafka import codec
from mode.supervisors import CrashingSupervisor

_CODECS = {
    "gzip": codec.has_gzip,
    "snappy": codec.has_snappy,
    "lz4": codec.has_lz4,
    "zstd": codec.has_zstd,
}


class UnsafeSettingError(Exception):
    """A setting or a missing part that would lose data; says what mends it."""


def refuse_what_loses_data(
    app: Any, codecs: Mapping[str, Callable[[], bool]] = MappingProxyType(_CODECS)
) -> None:
    """Check an app before it starts.

    Args:
        app: The app.
        codecs: For each compression that a sender may use, whether it is there.

    Raises:
        UnsafeSettingError: With the first thing found.
    """
    for name, present in codecs.items():
        if not present():
            raise UnsafeSettingError(
                f"the {name} codec is missing: the first record compressed with it would "
                "crash the worker; install it with: pip install cramjam"
            )
    for agent in app.agents.values():
        _check_agent(agent)
    conf = app.conf
    if conf.producer_acks != -1:
        raise UnsafeSettingError(
            f"producer_acks={conf.producer_acks}: an output that one broker forgets would be "
            "lost; set it to -1 (all)"
        )
    if conf.store.scheme == "memory":
        raise UnsafeSettingError("store=memory:// keeps no state on disk; use store=rocksdb://")


def _check_agent(agent: Any) -> None:
    if agent.concurrency != 1:
        raise UnsafeSettingError(
            f"agent {agent.name!r} has concurrency={agent.concurrency}: Faust can then commit "
            "past an event that is still in work; set it to 1 and add partitions instead"
        )
    strategy = agent.supervisor_strategy or agent.app.conf.agent_supervisor
    if strategy is not CrashingSupervisor:
        raise UnsafeSettingError(
            f"agent {agent.name!r} would be restarted past the batch that failed; "
            "set agent_supervisor=CrashingSupervisor"
        )
