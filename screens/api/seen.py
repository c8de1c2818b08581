"""What one person may see of what is known: the same for cards, lists, search and export."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from screens.hub.items import Item
from screens.hub.subscription import Layer
from screens.known.knowledge import Knowledge
from screens.web import KNOWLEDGE, not_found, person_of


def sees(request: web.Request, *counts_in: int) -> bool:
    """Return whether who asks may see what counts in communities (`NOWHERE` is the city's)."""
    scope = person_of(request).scope
    if scope is None:
        return True
    communities = request.app[KNOWLEDGE].atlas.communities
    return not {communities[code] for code in scope if code in communities}.isdisjoint(counts_in)


def item_of(request: web.Request, layer: Layer, what: str) -> Item:
    """Return the item that the path's `id` names.

    Raises:
        Refused: There is none, or none that this person may see: 404 for both.
    """
    name = request.match_info["id"]
    item = request.app[KNOWLEDGE].matters[layer].item(name)
    if item is None or not sees(request, *item.place.communities):
        raise not_found(what, name)
    return item


def open_alerts(
    request: web.Request, knowledge: Knowledge, subject: str
) -> list[Mapping[str, Any]]:
    """Return the open alerts about a subject that this person may see."""
    return [
        item.body
        for item in knowledge.matters[Layer.ALERTS].items()
        if item.body["open"]
        and item.body.get("subject") == subject
        and sees(request, *item.place.communities)
    ]


def number(request: web.Request, name: str, default: float, most: float) -> float:
    """Return a number of the query, within 0 and `most`."""
    try:
        return min(most, max(0.0, float(request.query.get(name, default))))
    except ValueError:
        return default
