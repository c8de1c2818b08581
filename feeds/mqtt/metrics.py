"""What the MQTT doors count; a door is named by its broker's address."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class MqttMetrics:
    """The MQTT doors' metrics, in the registry of the intake process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connected = Gauge(
            "citybrain_mqtt_connected", "1 while connected, else 0.", ["door"], registry=registry
        )
        self.cuts = Counter(
            "citybrain_mqtt_cuts",
            "Connections that failed or were cut.",
            ["door"],
            registry=registry,
        )
        self.messages = Counter(
            "citybrain_mqtt_messages",
            "Messages that are settled: published, refused, or set aside by name.",
            ["door", "qos"],
            registry=registry,
        )
        self.refused = Counter(
            "citybrain_mqtt_refused",
            "Events that went to the dead letters.",
            ["door", "reason"],
            registry=registry,
        )
        self.set_aside = Counter(
            "citybrain_mqtt_set_aside",
            "Events left and not kept: what platforms say all day, topics without a route.",
            ["door", "reason"],
            registry=registry,
        )
        self.dropped = Counter(
            "citybrain_mqtt_dropped",
            "Messages of QoS 0 that found no room while Kafka did not keep up.",
            ["door"],
            registry=registry,
        )
