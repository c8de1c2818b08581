"""Intake: events from outside are judged, published, and remembered, for every door alike."""
