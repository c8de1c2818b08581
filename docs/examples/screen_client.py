"""A screen in forty lines: python screen_client.py http://127.0.0.1:8080 USER PASSWORD."""

import asyncio
import json
import sys

import aiohttp

LAYERS = ("alerts", "incidents")
MOST_BYTES = 1 << 24  # of one frame: a view has at most 5,000 items
CUT = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, asyncio.IncompleteReadError)


async def watch(url: str, user: str, password: str) -> None:
    held, cursor = {layer: {} for layer in LAYERS}, ""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, read_bufsize=MOST_BYTES) as http:
        await http.post(f"{url}/api/v1/session", json={"user": user, "password": password})
        while True:  # come back with the cursor: nothing is missed, nothing comes twice
            try:
                stream = f"{url}/api/v1/stream?layers={','.join(LAYERS)}"
                async with http.get(stream, headers={"Last-Event-ID": cursor}, timeout=None) as it:
                    it.raise_for_status()
                    while line := await it.content.readuntil(b"\n\n"):
                        frame = json.loads(line.partition(b"data: ")[2])
                        cursor = frame["cursor"]
                        for layer, items in held.items():
                            if frame["type"] in ("snapshot", "resync"):
                                items.clear()
                            for part in ("layers", "upserts"):
                                items.update(
                                    {i["id"]: i for i in frame.get(part, {}).get(layer, [])}
                                )
                            for gone in frame.get("removes", {}).get(layer, []):
                                items.pop(gone, None)
                        print(frame["type"], {k: len(v) for k, v in held.items()}, flush=True)
            except CUT as error:
                print("cut off:", error, flush=True)
                await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(watch(*sys.argv[1:4]))
