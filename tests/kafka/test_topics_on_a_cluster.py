"""`citybrain topics` on a real Kafka: create, mend, add only what is asked for."""

import time

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from deploy import topics_admin
from deploy.cli import cli
from deploy.topics_admin import Aspect
from schemas.topics import ALERTS, SENSOR_READINGS, TOPICS

pytestmark = pytest.mark.kafka


def topics(broker: str, prefix: str, *arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(
        cli, ["topics", *arguments, "--broker", broker, "--prefix", prefix]
    )
    return outcome.exit_code, outcome.output


def test_apply_makes_the_table_and_the_second_time_nothing_is_left_to_do(
    broker: str, prefix: str
) -> None:
    assert topics(broker, prefix, "check")[0] == 1
    code, output = topics(broker, prefix, "apply")
    assert code == 0
    assert output.count("mended") == len(TOPICS)

    assert topics(broker, prefix, "apply") == (
        0,
        f"{len(TOPICS)} topics are as the table says.\n",
    )
    assert topics(broker, prefix, "check")[0] == 0


def test_a_config_that_somebody_changed_is_told_and_mended(broker: str, prefix: str) -> None:
    topics(broker, prefix, "apply")
    client = KafkaAdminClient(bootstrap_servers=broker)
    client.alter_configs(
        [
            ConfigResource(
                ConfigResourceType.TOPIC, prefix + ALERTS, configs={"retention.ms": "1000"}
            )
        ]
    )
    client.close()

    deadline = time.monotonic() + 60  # a broker learns of a change a moment later
    while (told := topics(broker, prefix, "check"))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    code, output = told
    assert code == 1
    assert f"{prefix}{ALERTS}: retention.ms is 1000, the table says 2592000000" in output

    assert topics(broker, prefix, "apply")[0] == 0
    assert topics(broker, prefix, "check")[0] == 0


def test_partitions_are_added_only_when_asked_for_by_name(broker: str, prefix: str) -> None:
    topics(broker, prefix, "apply")
    name = prefix + SENSOR_READINGS
    wanted = {name: TOPICS[SENSOR_READINGS]._replace(partitions=6)}

    mended, left = topics_admin.apply(broker, wanted, {})
    assert mended == []
    assert [(gap.aspect, gap.found, gap.wanted) for gap in left] == [(Aspect.PARTITIONS, "4", "6")]

    assert topics(broker, prefix, "apply", "--partitions", f"{SENSOR_READINGS}=6")[0] == 0
    assert topics_admin.check(broker, wanted, {}) == []


def test_a_kafka_that_does_not_answer_is_a_fault_with_a_cure() -> None:
    outcome = CliRunner().invoke(cli, ["topics", "check", "--broker", "127.0.0.1:9"])

    assert outcome.exit_code == 3
    assert "No Kafka answers at 127.0.0.1:9" in outcome.output
    assert "CITYBRAIN_BROKER" in outcome.output
