"""Every metric of a worker: name, unit, labels. No label is ever an asset's id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one agent's process, in their own registry.

    Labels are bounded: topics, partitions, rules, stages and reasons are closed
    lists; unknown field names are cut off after `MAX_FIELD_NAMES`.
    """

    MAX_FIELD_NAMES = 50

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.records = Counter(
            "citybrain_records", "Records read from input topics.", ["topic"], registry=registry
        )
        self.events = Counter(
            "citybrain_events_used",
            "Events that the rules have seen.",
            ["topic"],
            registry=registry,
        )
        self.refused = Counter(
            "citybrain_events_refused",
            "Events sent to the dead letters.",
            ["topic", "stage", "reason"],
            registry=registry,
        )
        self.communities = Counter(
            "citybrain_events_placed",
            "Events by the community that they lie in; empty is outside all.",
            ["topic", "community"],
            registry=registry,
        )
        self.set_aside = Counter(
            "citybrain_events_set_aside",
            "Events kept from the rules on purpose, such as a second hull's.",
            ["topic", "reason"],
            registry=registry,
        )
        self.unknown_fields = Counter(
            "citybrain_unknown_fields",
            "Fields that no contract names, by name.",
            ["topic", "field"],
            registry=registry,
        )
        self.alerts = Counter(
            "citybrain_alert_messages",
            "Alert messages sent.",
            ["rule", "transition"],
            registry=registry,
        )
        self.alert_age = Histogram(
            "citybrain_alert_age_seconds",
            "From the instant that an alert is about to its sending.",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self.sent = Counter(
            "citybrain_records_sent", "Records sent and acknowledged.", ["topic"], registry=registry
        )
        self.rule_seconds = Counter(
            "citybrain_decide_seconds", "Time spent deciding.", ["topic"], registry=registry
        )
        self.batch_rows = Histogram(
            "citybrain_batch_records",
            "Records in one batch.",
            ["topic"],
            buckets=(1, 10, 100, 500, 1_000, 2_000, 5_000),
            registry=registry,
        )
        self.checkpoint_seconds = Histogram(
            "citybrain_checkpoint_seconds",
            "From a batch's decision to its acknowledgement.",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self.state_rows = Counter(
            "citybrain_state_rows_written", "Rows of state written.", registry=registry
        )
        self.lag = Gauge(
            "citybrain_lag_records",
            "Records not done yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self.lag_seconds = Gauge(
            "citybrain_lag_seconds",
            "Age of the oldest record in work, by its broker time; 0 when idle.",
            ["partition"],
            registry=registry,
        )
        self.watermark_delay = Gauge(
            "citybrain_watermark_delay_seconds",
            "Wall time less the partition's watermark.",
            ["partition"],
            registry=registry,
        )
        self.stuck = Counter(
            "citybrain_consumer_stuck",
            "Partitions found with lag and without progress.",
            ["topic"],
            registry=registry,
        )
        self.recovery_seconds = Gauge(
            "citybrain_recovery_seconds", "How long the last recovery took.", registry=registry
        )
        self.recovery_remaining = Gauge(
            "citybrain_recovery_remaining_records",
            "Changelog records still to be read.",
            registry=registry,
        )
        self.ready = Gauge(
            "citybrain_ready", "1 when recovered and consuming, else 0.", registry=registry
        )
        self._field_names: set[str] = set()

    def count_unknown_field(self, topic: str, field: str, count: int) -> None:
        """Count an unknown field; beyond the first fifty names as `(other)`."""
        if field not in self._field_names:
            if len(self._field_names) >= self.MAX_FIELD_NAMES:
                field = "(other)"
            else:
                self._field_names.add(field)
        self.unknown_fields.labels(topic, field).inc(count)
