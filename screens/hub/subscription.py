"""What a screen asks for: layers, a box, a zoom, kinds; and whose city it may see."""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CELL_DEG = 0.01
"""Boxes are widened to this grid (about 1.1 km), so that a vessel is told to have left one
only when it left a cell, and so that screens that look at the same place share frames."""
_CELLS = 100  # a degree; multiplying by it is the one way from degrees to cells
MAX_ZOOM = 24
_WORLD = (-180.0, -90.0, 180.0, 90.0)


class Layer(StrEnum):
    """What can be subscribed to, the most urgent first."""

    ALERTS = "alerts"
    INCIDENTS = "incidents"
    CASES = "cases"
    ORDERS = "orders"
    REMINDERS = "reminders"
    COMMANDS = "commands"
    HOLDS = "holds"
    KPI = "kpi"
    VESSELS = "vessels"
    SENSORS = "sensors"
    CAMERAS = "cameras"


class SubscriptionError(ValueError):
    """A screen asked for what there is not; the text says what there is."""


class Box(NamedTuple):
    """A box in WGS-84 degrees: western and southern edge belong to it, the others not."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float


class Subscription(NamedTuple):
    """What one screen sees. Equal subscriptions share their frames.

    Attributes:
        layers: In the order of `Layer`.
        box: Widened to `CELL_DEG`; None is everywhere.
        zoom: Of the map, for the size of clusters; 0 shows the world on 512 px.
        kinds: Only entities of these kinds, where a layer has kinds; empty for all.
        scope: Codes of the communities that it may see; None sees the whole city.
    """

    layers: tuple[Layer, ...]
    box: Box | None = None
    zoom: float = 11.0
    kinds: frozenset[str] = frozenset()
    scope: frozenset[str] | None = None


def widened(box: Box) -> Box:
    """Return the smallest box on the grid that holds `box`."""
    return Box(
        cell(box.west_deg) / _CELLS,
        cell(box.south_deg) / _CELLS,
        math.ceil(box.east_deg * _CELLS) / _CELLS,
        math.ceil(box.north_deg * _CELLS) / _CELLS,
    )


def cell(degrees: float) -> int:
    """Return the number of the grid's cell that a coordinate lies in."""
    return math.floor(degrees * _CELLS)


def cell_column(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `cell` of each coordinate; NaN stays."""
    return np.floor(degrees * _CELLS)


def cells(box: Box) -> tuple[int, int, int, int]:
    """Return a widened box as half-open ranges of cells: west, south, east, north."""
    west, south, east, north = (round(edge * _CELLS) for edge in box)
    return west, south, east, north


def parse(said: Mapping[str, Any], scope: frozenset[str] | None) -> Subscription:
    """Return the subscription that a query or a JSON object says.

    Args:
        said: `layers` (text with commas, or a list; none means all), `box`
            (west,south,east,north), `zoom`, `kinds` (as layers), all optional.
        scope: Of the one who asks.

    Raises:
        SubscriptionError: With what is wrong and what would be right.
    """
    names = _words(said.get("layers"), "layers")
    unknown = [name for name in names if name not in set(Layer)]
    if unknown:
        raise SubscriptionError(f"no layer {unknown[0]!r}; there are {', '.join(Layer)}")
    layers = tuple(layer for layer in Layer if not names or layer in names)
    kinds = frozenset(_words(said.get("kinds"), "kinds"))
    return Subscription(layers, _box(said.get("box")), _zoom(said.get("zoom")), kinds, scope)


def _words(given: Any, field: str) -> list[str]:
    if given is None or given == "":
        return []
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, Iterable) or not all(isinstance(word, str) for word in given):
        raise SubscriptionError(f"{field}: a list of words, or one text with commas")
    return [word.strip() for word in given if word.strip()]


def _box(given: Any) -> Box | None:
    if given is None or given == "":
        return None
    parts = given.split(",") if isinstance(given, str) else given
    try:
        box = Box(*map(float, parts))
    except (TypeError, ValueError):
        raise SubscriptionError("box: west,south,east,north in degrees") from None
    west, south, east, north = box
    inside = _WORLD[0] <= west < east <= _WORLD[2] and _WORLD[1] <= south < north <= _WORLD[3]
    if not inside:
        raise SubscriptionError(f"box: west < east and south < north within the world, not {given}")
    return widened(box)


def _zoom(given: Any) -> float:
    if given is None or given == "":
        return Subscription(()).zoom
    try:
        zoom = float(given)
    except (TypeError, ValueError):
        zoom = math.nan
    if not 0 <= zoom <= MAX_ZOOM:
        raise SubscriptionError(f"zoom: a number from 0 to {MAX_ZOOM}, not {given!r}")
    return zoom
