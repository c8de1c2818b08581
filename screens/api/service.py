"""What supervisors and SREs ask: alive, ready, metrics; and the page's files."""

from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from screens.web import KNOWLEDGE, METRICS, READER, TICKER, json_answer

routes = web.RouteTableDef()
DIST = Path(__file__).resolve().parent.parent / "page" / "dist"
_NO_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>City brain</title>
<p>The gateway runs; its page is not built. See docs/screens.md for how to build it, or use
the API under /api/v1: <a href="/openapi.json">/openapi.json</a> describes it.</p></html>
"""


@routes.get("/healthz")
async def alive(request: web.Request) -> web.Response:
    """Say that the process answers and its heart beats."""
    return json_answer({"alive": True, "tick_spent_s": round(request.app[TICKER].spent_s, 4)})


@routes.get("/readyz")
async def ready(request: web.Request) -> web.Response:
    """Say whether all that was there at the start has been read; 503 until then."""
    reader = request.app[READER]
    is_ready = reader.caught_up.is_set()
    body = {"ready": is_ready, "behind": reader.behind}
    return json_answer(body, 200 if is_ready else 503)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Return the metrics as Prometheus reads them."""
    app = request.app
    found, knowledge = app[METRICS], app[KNOWLEDGE]
    for layer, table in knowledge.hub.tables.items():
        found.entities.labels(layer).set(len(table.row_of))
    found.views.set(knowledge.hub.view_count)
    for topic, count in app[READER].behind.items():
        found.behind.labels(topic).set(count)
    for topic, count in knowledge.refused.items():
        found.refused.labels(topic).set(count)
    for feed in knowledge.feeds.look(app[TICKER].now_ms):
        age_s = float("nan") if feed.age_s is None else feed.age_s
        found.feed_age.labels(feed.feed).set(age_s)
    return web.Response(
        body=generate_latest(found.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


@routes.get("/")
async def page(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - aiohttp's
    """Return the page, or say that it is not built."""
    index = DIST / "index.html"
    if not index.is_file():
        return web.Response(text=_NO_PAGE, content_type="text/html", status=404)
    return web.FileResponse(index, headers={"Cache-Control": "no-cache"})


@routes.get("/{file:(?!api/).+}")
async def static(request: web.Request) -> web.StreamResponse:
    """Return a file of the page; those with a hash in their name may be kept."""
    file = (DIST / request.match_info["file"]).resolve()
    if not file.is_relative_to(DIST) or not file.is_file():
        return web.Response(status=404, text="There is no such file.\n")
    kept = "max-age=31536000, immutable" if "assets" in file.parts else "no-cache"
    return web.FileResponse(file, headers={"Cache-Control": kept})
