"""Matters that people work on: incidents, cases, orders, clocks and who answers."""
