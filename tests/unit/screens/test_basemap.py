"""Another basemap: whom the page may then ask, and what is no basemap."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.cli import cli
from screens.app import policy
from screens.basemap import basemap_of

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
