"""The HTTP door: `POST /v1/events` and its kin, over aiohttp's plain server."""
