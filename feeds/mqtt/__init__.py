"""Events from an MQTT broker: acknowledged there only when Kafka has them."""
