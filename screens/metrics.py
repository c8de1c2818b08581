"""Every metric of the gateway: name, unit, labels. No label is ever an entity or a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_TICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Metrics:
    """The metrics of one gateway, in their own registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.screens = Gauge(
            "citybrain_screens_open", "Open streams.", ["transport"], registry=registry
        )
        self.cut = Counter(
            "citybrain_screens_cut", "Screens cut because they took nothing.", registry=registry
        )
        self.frames = Counter(
            "citybrain_screens_frames", "Frames sent.", ["kind"], registry=registry
        )
        self.sent_bytes = Counter(
            "citybrain_screens_sent_bytes", "Bytes of frames sent.", registry=registry
        )
        self.tick = Histogram(
            "citybrain_screens_tick_seconds",
            "Time that one publication took.",
            buckets=_TICK_S,
            registry=registry,
        )
        self.entities = Gauge(
            "citybrain_screens_entities", "Entities known.", ["layer"], registry=registry
        )
        self.views = Gauge(
            "citybrain_screens_views", "Distinct subscriptions looked at.", registry=registry
        )
        self.behind = Gauge(
            "citybrain_screens_behind_records",
            "Records that wait on the broker.",
            ["topic"],
            registry=registry,
        )
        self.refused = Gauge(
            "citybrain_screens_refused_records",
            "Records that were not understood since the start.",
            ["topic"],
            registry=registry,
        )
        self.feed_age = Gauge(
            "citybrain_feed_age_seconds",
            "Since the newest record of a source; NaN when none ever came.",
            ["feed"],
            registry=registry,
        )
        self.signins = Counter(
            "citybrain_screens_signins", "Attempts to sign in.", ["outcome"], registry=registry
        )
        self.commands = Counter(
            "citybrain_screens_commands", "Commands sent.", ["topic", "action"], registry=registry
        )
        self.requests = Counter(
            "citybrain_screens_requests",
            "Answers by route.",
            ["route", "status"],
            registry=registry,
        )
