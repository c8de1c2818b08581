"""What the webhooks count; endpoints are named as in their file, so labels are bounded."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class WebhookMetrics:
    """The metrics of the webhooks' process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.delivered = Counter(
            "citybrain_webhook_delivered",
            "Messages that an endpoint took.",
            ["endpoint", "topic"],
            registry=registry,
        )
        self.skipped = Counter(
            "citybrain_webhook_skipped",
            "Messages that an endpoint did not ask for.",
            ["endpoint"],
            registry=registry,
        )
        self.failed = Counter(
            "citybrain_webhook_failed_attempts",
            "Attempts that an endpoint did not take, and why.",
            ["endpoint", "answer"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "citybrain_webhook_dead_letters",
            "Messages that were given up and stand among the dead letters.",
            ["endpoint"],
            registry=registry,
        )
        self.waiting = Gauge(
            "citybrain_webhook_waiting_seconds",
            "Age of the message that an endpoint does not take; 0 while all goes well.",
            ["endpoint"],
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "citybrain_webhook_attempt_seconds",
            "How long an attempt took.",
            ["endpoint"],
            buckets=_LATENCY_S,
            registry=registry,
        )
