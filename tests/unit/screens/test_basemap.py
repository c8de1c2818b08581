"""Another basemap: whom the page may then ask, and what is no basemap."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from deploy.cities import load_city
from deploy.cli import cli
from screens.access.accounts import Accounts
from screens.access.people import EVERYWHERE, Person, Role
from screens.app import create_app, policy
from screens.basemap import basemap_of
from screens.settings import Settings

PASSWORD = "long-enough-for-tests"  # noqa: S105 - of an account that lives for a test
SCREENS = ("screens", "--broker", "127.0.0.1:1")


def style(folder: Path, **parts: Any) -> str:
    file = folder / "style.json"
    file.write_text(json.dumps({"version": 8, "sources": {}, "layers": [], **parts}))
    return str(file)


def directive(name: str, said: str) -> str:
    return next(part for part in said.split("; ") if part.startswith(name))


def test_without_another_basemap_the_page_asks_nobody_but_its_gateway() -> None:
    said = policy(None)

    assert directive("connect-src", said) == "connect-src 'self'"
    assert directive("img-src", said) == "img-src 'self' data: blob:"


def test_of_an_address_only_its_own_origin_may_be_asked() -> None:
    found = basemap_of("https://maps.example.org:8443/styles/dark.json?key=k")
    said = policy(found)

    assert found.address == "https://maps.example.org:8443/styles/dark.json?key=k"
    assert directive("connect-src", said) == "connect-src 'self' https://maps.example.org:8443"
    assert directive("img-src", said).endswith(" https://maps.example.org:8443")
    assert directive("script-src", said) == "script-src 'self'"


def test_of_a_file_those_that_it_names_may_be_asked_and_no_others(tmp_path: Path) -> None:
    sources = {
        "land": {"type": "vector", "url": "https://tiles.example.org/land.json"},
        "hills": {
            "type": "raster",
            "tiles": ["https://hills.example.org/{z}/{x}/{y}.png", "/own/{z}/{x}/{y}.png"],
            "attribution": '<a href="https://elsewhere.example">Elsewhere</a>',
        },
    }
    glyphs = "https://tiles.example.org/fonts/{fontstack}/{range}.pbf"

    found = basemap_of(style(tmp_path, sources=sources, glyphs=glyphs))

    assert found.address == "/api/v1/city/basemap.json"
    assert found.origins == ("https://hills.example.org", "https://tiles.example.org")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://maps.example.org/style.json",
        "https://user:secret@maps.example.org/style.json",
        "https://maps.example.org;script-src *//style.json",
        "https://maps.example.org *//style.json",
        "https:///style.json",
    ],
)
def test_what_could_widen_the_policy_is_no_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="http"):
        basemap_of(address)
    with pytest.raises(ValueError, match="http"):
        basemap_of(style(tmp_path, sprite=address))


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "no JSON"), ("[]", "no MapLibre style"), ('{"version": 7, "layers": []}', "version 8")],
)
def test_a_file_that_is_no_style_is_refused_before_the_gateway_starts(
    tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "style.json"
    file.write_text(text)

    told = CliRunner().invoke(cli, [*SCREENS, "--basemap", str(file)])

    assert told.exit_code == 2
    assert why in told.output


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, [*SCREENS, "--basemap", str(tmp_path / "none.json")])

    assert told.exit_code == 2
    assert "No such file" in told.output


def test_a_style_in_a_file_is_told_by_the_city_and_served_to_whoever_has_signed_in(
    tmp_path: Path,
) -> None:
    named = basemap_of(style(tmp_path, glyphs="https://tiles.example.org/{range}.pbf"))
    settings = Settings("127.0.0.1:1", "", tmp_path, basemap=named)
    person = Person("desk", "desk", Role.DESK, (EVERYWHERE,))
    Accounts(settings.folder / "users.json").add(person, PASSWORD, ())

    async def story() -> None:
        async with TestClient(TestServer(create_app(settings, load_city()))) as client:
            assert (await client.get(named.address)).status == 401
            page = await client.get("/")
            assert page.headers["Content-Security-Policy"] == policy(named)
            await client.post("/api/v1/session", json={"user": "desk", "password": PASSWORD})
            city = await (await client.get("/api/v1/city")).json()
            assert city["style"] == named.address
            assert city["modes"] == ["typhoon"]
            told = await (await client.get(city["style"])).json()
            assert told["glyphs"] == "https://tiles.example.org/{range}.pbf"

    asyncio.run(story())
