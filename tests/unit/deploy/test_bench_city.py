"""The city benchmark's own parts: probes that speak once, verdicts that a table can be read by."""

import pytest

from deploy.bench.city import Lap, Latency
from deploy.bench.city_feed import Fed
from deploy.bench.city_report import as_json, as_table, notes
from deploy.bench.probes import KINDS_OF_PROBES, SEEN, Probes
from deploy.bench.usage import Usage
from deploy.cities import load_city

BEGIN_MS = 1_764_075_600_000


@pytest.fixture(scope="module")
def city():
    return load_city()


def test_each_probe_alarms_once_within_the_run(city):
    probes = Probes(city, BEGIN_MS, seconds=20, each_s=2.0)
    said = probes.between(BEGIN_MS, BEGIN_MS + 20_000)

    assert len(probes.decided_ms) == 20 * 2 * KINDS_OF_PROBES
    assert all(BEGIN_MS <= at_ms < BEGIN_MS + 20_000 for at_ms in probes.decided_ms.values())
    assert said == probes.between(0, 2 * BEGIN_MS)
    assert [record.event_time_ms for record in said] == sorted(r.event_time_ms for r in said)


def test_a_later_run_takes_other_devices(city):
    first = Probes(city, BEGIN_MS, seconds=15, each_s=2.0)
    second = Probes(city, BEGIN_MS, seconds=15, each_s=2.0, skip=30)

    assert not set(first.decided_ms) & set(second.decided_ms)


def test_a_city_with_too_few_devices_is_refused_in_words(city):
    with pytest.raises(ValueError, match="are too few for 10030 probes"):
        Probes(city, BEGIN_MS, seconds=15, each_s=2.0, skip=10_000)


def a_lap(got=300, p99_s=0.4, behind_ms=20):
    return Lap(
        times=2.0,
        fed=Fed(records=600_000, behind_ms=behind_ms, worst_ms=80, cpu_s=6.0),
        seconds=30.0,
        expected=300,
        got=got,
        latency=Latency(0.1, 0.2, p99_s),
        by_kind={SEEN: Latency(0.1, 0.2, p99_s)},
        used={"kafka": Usage(15.0, 300 << 20), "readings": Usage(6.0, 100 << 20)},
    )


@pytest.mark.parametrize(
    ("lap", "verdict"),
    [
        (a_lap(), "held"),
        (a_lap(got=299), "not held"),
        (a_lap(p99_s=1.0), "not held"),
        (a_lap(behind_ms=800), "the feeder fell behind by 0.8 s"),
    ],
)
def test_a_rate_is_held_when_no_alert_is_missing_or_late(lap, verdict):
    row = as_table([lap]).splitlines()[-1]

    assert row.split(" | ")[1:3] == ["20,000", f"{lap.got} of 300"]
    assert row.split(" | ")[6:8] == ["0.70", "400"]
    assert row.split(" | ")[-1].removesuffix(" |") == verdict
    assert as_json([lap])["laps"][0]["held"] is (verdict == "held")


def test_the_notes_say_what_each_process_cost():
    text = "\n".join(notes([a_lap()]))

    assert "kafka: 0.500 cores, 300 MiB" in text
    assert "the feeder, 0.20 cores" in text
    assert f"{SEEN}: p50 0.100, p95 0.200, p99 0.400 s" in text
