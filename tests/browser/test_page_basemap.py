"""A basemap of somebody else's: drawn under the city's own lines, asked from nobody but them."""

import json
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

MAGENTA, LAND_EDGE = (200, 0, 200), (58, 80, 104)


class Maps:
    """A server of a style and its tiles, all of one colour, at a port of its own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        maps = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                maps.asked.append(self.path)
                body, kind = maps.answer(self.path)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str) -> tuple[bytes, str]:
        if path != "/style.json":
            return png(MAGENTA), "image/png"
        tiles = {
            "type": "raster", "tiles": [f"{self.url}/{{z}}/{{x}}/{{y}}.png"],
            "attribution": "Foreign maps",
        }  # fmt: skip
        layer = {"id": "venues", "type": "raster", "source": "venues"}  # a name of ours, too
        style = {"version": 8, "sources": {"venues": tiles}, "layers": [layer]}
        return json.dumps(style).encode(), "application/json"

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def png(colour: tuple[int, int, int]) -> bytes:
    rows = (b"\0" + bytes(colour) * 256) * 256

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture(scope="module")
def maps() -> Iterator[Maps]:
    serving = Maps()
    yield serving
    serving.end()


@pytest.fixture(scope="module")
def gateway_options(maps: Maps) -> tuple[str, ...]:
    return ("--basemap", f"{maps.url}/style.json")


def test_another_basemap_lies_under_the_citys_own_lines(
    visit: Callable[..., Page], gateway: Any, maps: Maps, dyed: Callable[..., int], wait_for: Any
) -> None:
    page = visit(also=(maps.url,))
    box = page.locator("#map").bounding_box()
    wait_for(lambda: dyed(page, MAGENTA, box) > 100_000)
    assert dyed(page, LAND_EDGE, box) > 100
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("Foreign maps")
    policy = page.request.get(gateway.url).headers["content-security-policy"]
    assert f"connect-src 'self' {maps.url};" in policy
    assert f"img-src 'self' data: blob: {maps.url};" in policy
    assert maps.asked[0] == "/style.json"
    assert any(path.endswith(".png") for path in maps.asked)
