"""The page has a Chinese and an English word for whatever the city's own agents say."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from deploy.cities import load_city
from schemas.alerts import Severity, Transition
from schemas.commands import CaseAction
from schemas.complaints import COMPLAINT_KINDS
from schemas.detections import DETECTION_KINDS
from schemas.devices import DeviceState
from schemas.dispatch import CaseState, Clock, OrderChange
from schemas.incidents import IncidentChange, IncidentState
from schemas.units import KINDS
from screens.access.people import Role
from screens.known.blind import Why
from streams import skew
from streams.devices import feeds, watching
from streams.matters import cases, holds, recall
from streams.matters.routing import Level
from streams.noise.alerts import EXCEEDED_KIND, WARNING_KIND
from streams.rules import distress, fences, moratorium, silence, speed
from streams.vessels import tracks
from streams.vessels.register import VESSELS, VesselClass

REPO = Path(__file__).parents[3]
STRINGS = REPO / "screens" / "page" / "src" / "ui" / "strings.ts"
REFUSED = re.compile(r'"(?P<word>[a-z]+(?:-[a-z]+)+): |\bNo\("(?P<name>[a-z-]+)"')
"""As the operators say no: a text that begins with the reason, or `No` with it."""
PAIR = re.compile(r'^  "?(?P<key>[\w.\-]+)"?: \["(?P<zh>[^"]+)", "(?P<en>[^"]+)"\],$', re.MULTILINE)
LINE = re.compile(r'^  "?[\w.\-]+"?: \[', re.MULTILINE)
SAME = frozenset({"vessel.mmsi"})
"""What is said alike in both languages."""


Words = dict[str, tuple[str, str]]


def read(part: str) -> Words:
    """Return both words of each key; a line that this test cannot read is a fault of it."""
    found = list(PAIR.finditer(part))
    assert len(found) == len(LINE.findall(part)) > 40
    return {one["key"]: (one["zh"], one["en"]) for one in found}


@pytest.fixture(scope="module")
def strings() -> Words:
    return read(STRINGS.read_text().partition("KIND_NAMES")[0])


@pytest.fixture(scope="module")
def kinds() -> Words:
    return read(STRINGS.read_text().partition("KIND_NAMES")[2])


@pytest.fixture(scope="module")
def refusals() -> Words:
    return read(STRINGS.with_name("refusals.ts").read_text())


def without(strings: Words, said: Collection[str], *groups: str) -> set[str]:
    """Return what of `said` has a word in none of the groups."""
    return {str(one) for one in said if not any(f"{group}.{one}" in strings for group in groups)}


def test_every_state_level_and_step_has_its_words(strings: Words) -> None:
    for said, *groups in (
        (CaseState, "state"),
        (IncidentState, "state"),
        (Severity, "severity"),
        (Level, "level"),
        (Role, "role"),
        (DeviceState, "device"),
        (Why, "blind"),
        (Clock, "clock"),
        (Transition, "change"),
        (IncidentChange, "change"),
        (OrderChange, "change"),
        (CaseAction, "act", "step"),
        ((holds.GROUPING, holds.UNSURE, holds.STORM, "silence", "mode", "inhibited"), "held"),
    ):
        assert without(strings, said, *groups) == set(), groups


def test_every_reason_to_refuse_a_command_has_its_words(refusals: Words) -> None:
    sources = (REPO / "streams" / "matters").glob("*.py")
    found = {
        one["word"] or one["name"] for path in sources for one in REFUSED.finditer(path.read_text())
    }

    assert {"illegal-move", "proof-required", "second-person-required"} < found
    assert without(refusals, found, "refusal") == set()


def test_every_kind_of_reading_alert_and_vessel_has_its_words(kinds: Words) -> None:
    city = load_city()
    threshold = city.params["threshold"]
    findings = {ladder.finding for ladder in threshold.kinds.values()}  # type: ignore[attr-defined]
    of_rules = {
        WARNING_KIND, EXCEEDED_KIND, distress.DISTRESS, distress.FALSE_DISTRESS, fences.HARBOUR,
        fences.NO_GO, fences.DWELL, moratorium.KIND, silence.SILENT, silence.OUT_OF_COVERAGE,
        speed.KIND, tracks.KIND, recall.KIND, skew.KIND, feeds.DEGRADED, feeds.DOWN,
        watching.SILENT,
    }  # fmt: skip
    functions = {f"city.{name}" for name in (cases.CITY_TASK, cases.WHISTLE, cases.VISIT)}
    vessels = {one.kind for one in city.vessels.values() if one.kind}
    others = set(VesselClass) - VESSELS

    assert findings | of_rules | functions <= kinds.keys()
    assert {*KINDS, *DETECTION_KINDS, *COMPLAINT_KINDS} <= kinds.keys()
    assert vessels | others <= kinds.keys()


def test_no_chinese_is_missing_where_english_stands(strings: Words, kinds: Words) -> None:
    whole = {**strings, **{f"kind {key}": pair for key, pair in kinds.items()}}
    latin = {key for key, (zh, _) in whole.items() if not re.search(r"[\u4e00-\u9fff]", zh)}

    assert latin <= SAME
