"""Topics of a cluster against the table in `schemas.topics`: compare, and make equal."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from deploy.errors import Fault
from deploy.topic_reader import quiet_clients, unreachable
from schemas.topics import Topic, topic_config

_BOOTSTRAP_MS = 10_000
_CONNECT_S = 3.0
_SETTLE_S = 10.0
_POLL_S = 0.1


class Aspect(StrEnum):
    """In what a topic differs from the table."""

    MISSING = "missing"
    PARTITIONS = "partitions"
    CONFIG = "config"


class Difference(NamedTuple):
    """One difference: what the table wants and what the cluster has."""

    topic: str
    aspect: Aspect
    name: str
    wanted: str
    found: str

    def __str__(self) -> str:
        if self.aspect is Aspect.MISSING:
            many = "" if self.wanted == "1" else "s"
            return f"{self.topic}: missing ({self.wanted} partition{many} wanted)"
        return f"{self.topic}: {self.name} is {self.found}, the table says {self.wanted}"


class OnCluster(NamedTuple):
    """A topic as the cluster has it: its partitions and every config value."""

    partitions: int
    configs: Mapping[str, str]


def prefixed(table: Mapping[str, Topic], prefix: str) -> dict[str, Topic]:
    """Return the table under the names that an installation with `prefix` uses."""
    return {prefix + name: topic for name, topic in table.items()}


def compare(
    table: Mapping[str, Topic], cluster: Mapping[str, OnCluster], partitions: Mapping[str, int]
) -> list[Difference]:
    """Return the differences of the cluster from the table, in the table's order.

    A topic that the table does not name is none of ours (changelogs, other
    systems). More partitions than the table's are right: the number is fixed at
    the start of a city's life, and the table holds the least.

    Args:
        table: The topics that must be.
        cluster: The topics that are.
        partitions: Numbers asked for, in place of the table's.
    """
    found: list[Difference] = []
    for name, topic in table.items():
        count = partitions.get(name, topic.partitions)
        have = cluster.get(name)
        if have is None:
            found.append(Difference(name, Aspect.MISSING, "topic", str(count), "absent"))
            continue
        if have.partitions < count:
            found.append(
                Difference(name, Aspect.PARTITIONS, "partitions", str(count), str(have.partitions))
            )
        for config, wanted in topic_config(topic).items():
            is_now = have.configs.get(config, "")
            if is_now != wanted:
                found.append(Difference(name, Aspect.CONFIG, config, wanted, is_now))
    return found


@contextmanager
def admin(address: str) -> Iterator[KafkaAdminClient]:
    """Give an admin client of the Kafka at `address`; Fault when none answers."""
    quiet_clients()
    if not _listens(address):  # the client would try for long, and leak its sockets
        raise unreachable(address)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=address.split(","), bootstrap_timeout_ms=_BOOTSTRAP_MS
        )
    except KafkaError as error:
        raise unreachable(address) from error
    try:
        yield client
    except KafkaError as error:
        raise Fault(f"Kafka at {address} refused: {error}") from error
    finally:
        client.close()


def _listens(address: str) -> bool:
    """Whether anything takes a connection at one of the bootstrap addresses."""
    for server in address.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S):
                return True
        except (OSError, ValueError):
            continue
    return False


def read_cluster(client: KafkaAdminClient, names: list[str]) -> dict[str, OnCluster]:
    """Return those of `names` that the cluster has, with their configs."""
    existing = sorted(set(names) & set(client.list_topics()))
    if not existing:
        return {}
    described = {topic["name"]: topic for topic in client.describe_topics(existing)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in existing]
    told = client.describe_configs(resources, config_filter="all")
    configs = {name: values for by_name in told.values() for name, values in by_name.items()}
    return {
        name: OnCluster(
            len(described[name]["partitions"]),
            {key: str(entry["value"]) for key, entry in configs[name].items()},
        )
        for name in existing
    }


def check(
    address: str, table: Mapping[str, Topic], partitions: Mapping[str, int]
) -> list[Difference]:
    """Return how the Kafka at `address` differs from the table."""
    with admin(address) as client:
        return compare(table, read_cluster(client, list(table)), partitions)


def apply(
    address: str, table: Mapping[str, Topic], partitions: Mapping[str, int]
) -> tuple[list[Difference], list[Difference]]:
    """Create what is missing and set what differs; idempotent.

    Partitions of a topic that exists are added only when `partitions` asks for
    it by name: the hash of the key would send a key's later events to another
    partition than its state.

    Returns:
        The differences mended, and those left.
    """
    with admin(address) as client:
        before = compare(table, read_cluster(client, list(table)), partitions)
        _create(client, table, [gap for gap in before if gap.aspect is Aspect.MISSING])
        _set_configs(client, [gap for gap in before if gap.aspect is Aspect.CONFIG])
        more = {
            gap.topic: int(gap.wanted)
            for gap in before
            if gap.aspect is Aspect.PARTITIONS and gap.topic in partitions
        }
        if more:
            client.create_partitions(more)
        asked = [gap for gap in before if gap.aspect is not Aspect.PARTITIONS or gap.topic in more]
        left = _settled(client, table, partitions, asked)
    return [gap for gap in before if gap not in left], left


def remove(address: str, prefix: str) -> None:
    """Remove every topic whose name begins with `prefix`, also those that agents made.

    Raises:
        ValueError: The prefix is empty: that would be every topic there is.
    """
    if not prefix:
        raise ValueError("an empty prefix would remove every topic")
    with admin(address) as client:
        ours = [topic for topic in client.list_topics() if topic.startswith(prefix)]
        if ours:
            client.delete_topics(ours)


def _settled(
    client: KafkaAdminClient,
    table: Mapping[str, Topic],
    partitions: Mapping[str, int],
    asked: list[Difference],
) -> list[Difference]:
    """Return what is left once the brokers know what was `asked` of them, or too late."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        left = compare(table, read_cluster(client, list(table)), partitions)
        if not set(left) & set(asked) or time.monotonic() > deadline:
            return left
        time.sleep(_POLL_S)


def _create(
    client: KafkaAdminClient, table: Mapping[str, Topic], missing: list[Difference]
) -> None:
    if missing:
        client.create_topics(
            {
                gap.topic: {
                    "num_partitions": int(gap.wanted),
                    "configs": topic_config(table[gap.topic]),
                }
                for gap in missing
            },
            wait_for_metadata=True,
        )


def _set_configs(client: KafkaAdminClient, gaps: list[Difference]) -> None:
    by_topic: dict[str, dict[str, str]] = {}
    for gap in gaps:
        by_topic.setdefault(gap.topic, {})[gap.name] = gap.wanted
    if by_topic:
        client.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)
                for topic, configs in by_topic.items()
            ]
        )


def partition_counts(address: str, prefix: str, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each of `topics` has, under its name without prefix.

    Raises:
        Fault: A topic is missing.
    """
    with admin(address) as client:
        cluster = read_cluster(client, [prefix + topic for topic in topics])
    if missing := [topic for topic in topics if prefix + topic not in cluster]:
        raise Fault(
            f"Kafka at {address} has no topic {prefix + missing[0]}",
            "Create the topics first: citybrain topics apply",
        )
    return {topic: cluster[prefix + topic].partitions for topic in topics}


def ensure_changelog(address: str, name: str, partitions: int, replication: int) -> None:
    """Create an agent's changelog unless it is there; it must have its inputs' partitions.

    Created before the agent starts, so that its first assignment has it; compacted
    often, so that recovery reads little more than the state itself.

    Raises:
        Fault: It is there with another number of partitions.
    """
    with admin(address) as client:
        have = read_cluster(client, [name]).get(name)
        if have is None:
            configs = {
                "cleanup.policy": "compact",
                "min.cleanable.dirty.ratio": "0.2",
                "segment.bytes": str(16 << 20),
                "max.message.bytes": str(8 << 20),
            }
            client.create_topics(
                {
                    name: {
                        "num_partitions": partitions,
                        "replication_factor": replication,
                        "configs": configs,
                    }
                }
            )
        elif have.partitions != partitions:
            raise Fault(
                f"{name} has {have.partitions} partitions, its agent's input has {partitions}",
                "State follows its events by partition: partitions were added to a topic in use. "
                f"Delete {name} and the agent's folder, and replay the input from its beginning.",
            )
