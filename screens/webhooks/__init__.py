"""Webhooks: alerts, incidents and orders posted to others, signed, until they are taken."""
