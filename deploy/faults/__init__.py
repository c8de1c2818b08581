"""Faults on purpose: agents killed under load, and an account of what became of it."""
