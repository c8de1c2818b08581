"""What the NMEA doors count; a door is named by its address in the file of doors."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class NmeaMetrics:
    """The NMEA doors' metrics, in the registry of the intake process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "citybrain_nmea_records",
            "Sentences with what stands before them that the broker acknowledged.",
            ["door"],
            registry=registry,
        )
        self.dropped = Counter(
            "citybrain_nmea_datagrams_dropped",
            "UDP datagrams that were not taken while the broker did not keep up.",
            ["door"],
            registry=registry,
        )
        self.passed_over = Counter(
            "citybrain_nmea_passed_over_bytes",
            "Bytes of lines longer than a line may be, beyond their beginning.",
            ["door"],
            registry=registry,
        )
        self.connections = Gauge(
            "citybrain_nmea_connections", "Connections now open.", ["door"], registry=registry
        )
        self.ended = Counter(
            "citybrain_nmea_connections_ended",
            "Connections that ended, and why.",
            ["door", "reason"],
            registry=registry,
        )
