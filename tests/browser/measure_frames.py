"""How smooth the page is with 20,000 entities that all change once a second.

    python tests/browser/measure_frames.py [ENTITIES …]

The page is the built one; what the gateway would send comes from here, so that
nothing but the browser is measured. Frames are counted while the map is dragged
to and fro, first without entities, then with them: what is lost between the two
is theirs. Before, what a browser can do at all: a canvas of the window's size that is
only cleared. After, all again with a quarter of the pixels. For each also the CPU time
that a frame of it took: of the page's own process, and of the one that draws (the GPU's,
or without a GPU a software renderer). That hardly depends on what else the machine does.
"""

import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import (
    CDPSession,
    Page,
    Route,
    ViewportSize,
    WebSocketRoute,
    sync_playwright,
)

REPO = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--no-first-run"]
WEST, SOUTH, SIDE = 120.47, 27.49, 0.2
SECONDS = 10
SIZE = ViewportSize(width=1920, height=1080)
ME = {"user": "a", "name": "a", "role": "viewer", "areas": ["*"], "may": [], "csrf": ""}
CITY = {
    "code": "longgang",
    "names": {"zh": "龙港市", "en": "Longgang"},
    "bbox": [WEST, SOUTH, WEST + SIDE, SOUTH + SIDE],
    "basemap": {"outline": "/api/v1/city/outline.geojson"},
}
OUTLINE = REPO / "deploy/cities/longgang/outline.geojson"
COUNT_FRAMES = """(ms) => new Promise((done) => {
  let frames = 0, worst = 0, before = performance.now();
  const began = before;
  const step = (now) => {
    frames += 1; worst = Math.max(worst, now - before); before = now;
    if (now - began < ms) requestAnimationFrame(step);
    else done([frames / (now - began) * 1000, worst]);
  };
  requestAnimationFrame(step);
})"""
BARE = """<style>canvas { position: fixed; inset: 0 }</style><canvas></canvas><script>
const canvas = document.querySelector("canvas");
canvas.width = innerWidth; canvas.height = innerHeight;
const gl = canvas.getContext("webgl2", { antialias: false });
const clear = (now) => {
  gl.clearColor(now % 1000 / 1000, 0.2, 0.3, 1); gl.clear(gl.COLOR_BUFFER_BIT);
  requestAnimationFrame(clear);
};
requestAnimationFrame(clear);
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the built page without a line for each file."""

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [0, 5_000, 20_000]
    handler = partial(Quiet, directory=str(REPO / "screens/page/dist"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        costs = Costs(browser.new_browser_cdp_session())
        page = browser.new_page(viewport=SIZE)
        print(f"{'bare canvas':>28}: {bare(page, costs)}")  # noqa: T201 - its answer
        page.close()
        for query in ("", "?pixels=0.5"):
            for entities in counts:
                page = browser.new_page(viewport=SIZE)
                found = measure(page, url + query, entities, costs)
                name = f"{entities:,} entities {query}"
                print(f"{name:>28}: {found}")  # noqa: T201
                page.close()
        browser.close()
    server.shutdown()


class Costs:
    """CPU time of the browser's processes."""

    def __init__(self, browser: CDPSession) -> None:
        self._browser = browser
        self._began: dict[str, float] = {}
        self._began_s = 0.0

    def begin(self) -> None:
        self._began, self._began_s = self._spent(), time.monotonic()

    def of_a_frame(self, rate: float) -> str:
        """Return the CPU time since `begin`, of each of `rate` frames a second."""
        frames = max(1.0, (time.monotonic() - self._began_s) * rate)
        spent = self._spent()
        drawing, page = (
            (spent[kind] - self._began.get(kind, 0.0)) / frames * 1000
            for kind in ("GPU", "renderer")
        )
        return f"CPU of a frame: drawing {drawing:3.0f} ms, page {page:3.0f} ms"

    def _spent(self) -> dict[str, float]:
        spent: dict[str, float] = {}
        for one in self._browser.send("SystemInfo.getProcessInfo")["processInfo"]:
            spent[one["type"]] = spent.get(one["type"], 0.0) + float(one["cpuTime"])
        return spent


def bare(page: Page, costs: Costs) -> str:
    """Return what the browser does when all that is drawn is a colour."""
    page.set_content(BARE)
    page.wait_for_timeout(1_000)
    costs.begin()
    rate, worst_ms = page.evaluate(f"({COUNT_FRAMES})({SECONDS * 1000})")
    return f"{rate:4.1f} frames/s, longest {worst_ms:4.0f} ms; {costs.of_a_frame(rate)}"


def measure(page: Page, url: str, entities: int, costs: Costs) -> str:
    """Return frames a second, the longest, what one costs, and the page's script in ms a second."""
    page.route("**/api/v1/**", answer)
    sockets: list[tuple[WebSocketRoute, list[str]]] = []
    page.route_web_socket("**/api/v1/ws", lambda socket: take(socket, sockets, entities))
    page.goto(url)
    page.locator(".frame[data-map=ready]").wait_for(timeout=90_000)
    page.wait_for_timeout(3_000)
    counter = page.context.new_cdp_session(page)
    counter.send("Performance.enable")
    began = script_s(counter)
    costs.begin()
    page.evaluate(
        f"window.measured = ({COUNT_FRAMES})({SECONDS * 1000}); 0"  # runs while we drag
    )
    box = page.locator("#map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    ends, told, turn = time.monotonic() + SECONDS, time.monotonic(), 0
    page.mouse.move(x, y)
    page.mouse.down()
    while time.monotonic() < ends:
        turn += 1
        page.mouse.move(x + 120 * ((turn % 40) / 20 - 1), y)
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            for socket, layers in sockets:
                socket.send(delta(layers, entities, turn))
    page.mouse.up()
    rate, worst_ms = page.evaluate("window.measured")
    script_ms = (script_s(counter) - began) / SECONDS * 1000
    return (
        f"{rate:4.1f} frames/s, longest {worst_ms:4.0f} ms; {costs.of_a_frame(rate)}; "
        f"own script {script_ms:3.0f} ms a second"
    )


def script_s(counter: CDPSession) -> float:
    """Return how long the page's script has run on its main thread."""
    metrics = counter.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ScriptDuration"))


def answer(route: Route) -> None:
    path = route.request.url.split("?")[0]
    if path.endswith("/me"):
        route.fulfill(json=ME)
    elif path.endswith("/city"):
        route.fulfill(json=CITY)
    elif path.endswith(".geojson"):
        route.fulfill(path=OUTLINE, content_type="application/geo+json")
    else:
        route.fulfill(status=404)


def take(
    socket: WebSocketRoute, sockets: list[tuple[WebSocketRoute, list[str]]], count: int
) -> None:
    def hear(message: str | bytes) -> None:
        layers = msgspec.json.decode(message)["subscribe"]["layers"]
        sockets[:] = [one for one in sockets if one[0] is not socket] + [(socket, layers)]
        whole = {layer: items(layer, count, 0) for layer in layers}
        socket.send(said({"type": "snapshot", "cursor": "0", "layers": whole}))

    socket.on_message(hear)


def delta(layers: list[str], count: int, turn: int) -> str:
    moved = {layer: found for layer in layers if (found := items(layer, count, turn))}
    return said({"type": "delta", "cursor": str(turn), "upserts": moved})


def items(layer: str, count: int, turn: int) -> list[dict[str, Any]]:
    """Return the entities of a layer: 48 of 100 are cameras, 48 sensors, 4 vessels."""
    share = {"cameras": 0.48, "sensors": 0.48, "vessels": 0.04}.get(layer, 0)
    levels = ("ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "warn", "over")
    return [
        {
            "id": f"{layer}-{i}",
            "lon_deg": WEST + SIDE * (i * 0.618034 % 1),
            "lat_deg": SOUTH + SIDE * (i * 0.414214 % 1),
            "level": levels[(i + turn) % 10],
            "cog_deg": (i * 7 + turn) % 360,
        }
        for i in range(round(count * share))
    ]


def said(frame: dict[str, Any]) -> str:
    return msgspec.json.encode(frame).decode()


if __name__ == "__main__":
    main()
