"""Delivery: prepared records through the doors that integrators use, not straight to Kafka."""
