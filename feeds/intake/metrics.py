"""Every metric of the doors: name, unit, labels. Labels are declared sources, codes, doors."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class IntakeMetrics:
    """The metrics of one intake process, in a registry of their own.

    Names of unknown fields come from outside: the first fifty are labels, the
    rest are counted as `(other)`.
    """

    MAX_FIELD_NAMES = 50

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._accepted = Counter(
            "citybrain_intake_accepted",
            "Events that the broker has acknowledged.",
            ["source"],
            registry=registry,
        )
        self._duplicates = Counter(
            "citybrain_intake_duplicates",
            "Events that had been published in the last 24 hours.",
            ["source"],
            registry=registry,
        )
        self._refused = Counter(
            "citybrain_intake_refused",
            "Events refused at the door, by the code that was answered.",
            ["source", "code"],
            registry=registry,
        )
        self._late = Counter(
            "citybrain_intake_late",
            "Accepted events too old for the rules.",
            ["source"],
            registry=registry,
        )
        self.unavailable = Counter(
            "citybrain_intake_unavailable",
            "Requests that were answered 503, or waited, because Kafka took nothing.",
            registry=registry,
        )
        self.ack_seconds = Histogram(
            "citybrain_intake_ack_seconds",
            "From the judgement of a batch to the broker's acknowledgement.",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self.broker_up = Gauge(
            "citybrain_intake_broker_up", "1 when Kafka was reached, else 0.", registry=registry
        )
        self.in_flight_bytes = Gauge(
            "citybrain_intake_in_flight_bytes",
            "What waits for the broker's acknowledgement.",
            registry=registry,
        )
        self.requests = Counter(
            "citybrain_intake_requests",
            "Answers of the HTTP door.",
            ["status"],
            registry=registry,
        )

        self._unknown_fields = Counter(
            "citybrain_intake_unknown_fields",
            "Fields that no contract names, by name.",
            ["field"],
            registry=registry,
        )
        self._field_names: set[str] = set()

    def count_unknown_field(self, name: str, count: int) -> None:
        """Count a field that the contract does not know."""
        if name not in self._field_names and len(self._field_names) >= self.MAX_FIELD_NAMES:
            name = "(other)"
        self._field_names.add(name)
        self._unknown_fields.labels(name).inc(count)

    def accept(self, source: str, count: int, late: int) -> None:
        """Count acknowledged events of a source."""
        self._accepted.labels(source).inc(count)
        if late:
            self._late.labels(source).inc(late)

    def repeat(self, source: str, count: int) -> None:
        """Count repeated events of a source."""
        self._duplicates.labels(source).inc(count)

    def refuse(self, source: str, code: str) -> None:
        """Count a refused event of a source."""
        self._refused.labels(source, code).inc()
