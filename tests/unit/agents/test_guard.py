"""What would lose data is refused at start, with what mends it."""

from types import SimpleNamespace

import pytest
from aiokafka import codec
from mode.supervisors import CrashingSupervisor, OneForOneSupervisor

from agents.guard import UnsafeSettingError, refuse_what_loses_data


def an_app(*, acks=-1, store="rocksdb", concurrency=1, supervisor=None, own_supervisor=None):
    """Return as much of a Faust app as is looked at."""
    conf = SimpleNamespace(
        producer_acks=acks,
        store=SimpleNamespace(scheme=store),
        agent_supervisor=supervisor or CrashingSupervisor,
    )
    app = SimpleNamespace(conf=conf, agents={})
    app.agents["readings"] = SimpleNamespace(
        app=app, name="readings", concurrency=concurrency, supervisor_strategy=own_supervisor
    )
    return app


def test_safe_settings_pass() -> None:
    refuse_what_loses_data(an_app())
    refuse_what_loses_data(an_app(own_supervisor=CrashingSupervisor))


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (an_app(concurrency=2), r"'readings' has concurrency=2: .* set it to 1 and add partitions"),
        (
            an_app(supervisor=OneForOneSupervisor),
            r"past the batch .* agent_supervisor=CrashingSupervisor",
        ),
        (
            an_app(own_supervisor=OneForOneSupervisor),
            r"past the batch .* agent_supervisor=CrashingSupervisor",
        ),
        (an_app(acks=1), r"producer_acks=1: .* set it to -1"),
        (an_app(acks=0), r"producer_acks=0"),
        (an_app(store="memory"), r"memory:// keeps no state on disk; use store=rocksdb://"),
    ],
    ids=["concurrency", "supervisor", "own supervisor", "acks of one", "no acks", "memory store"],
)
def test_an_unsafe_setting_is_refused_with_its_cure(app, message) -> None:
    with pytest.raises(UnsafeSettingError, match=message):
        refuse_what_loses_data(app)


@pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_that_a_sender_may_use_is_there(name) -> None:
    assert getattr(codec, f"has_{name}")()


def test_a_missing_codec_is_refused_by_name() -> None:
    without_zstd = {"lz4": lambda: True, "zstd": lambda: False}

    with pytest.raises(UnsafeSettingError, match=r"the zstd codec .* pip install cramjam"):
        refuse_what_loses_data(an_app(), without_zstd)
