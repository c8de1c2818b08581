"""A city, a sender, and events as an integrator writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from deploy.cities import load_city
from schemas.instants import format_instant
from streams.city.model import City

NOW_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z


@pytest.fixture(scope="session")
def city() -> City:
    return load_city()


@pytest.fixture
def reading() -> Callable[..., bytes]:
    """Give what writes a noise reading."""
    return _reading


def _reading(**said: Any) -> bytes:
    """Return a noise reading; None leaves a field out."""
    event = {
        "source": "noise",
        "kind": "noise.laeq",
        "subject": "meter-7",
        "event_time": format_instant(NOW_MS - 1000),
        "value": 61.5,
        "unit": "dB(A)",
    } | said
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()
