"""The report as people and programs read it, and what its options take."""

import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from deploy import casereport
from deploy.casereport import BY, Report, Span
from deploy.cli import cli
from schemas.cases import CaseRecord
from schemas.dispatch import Clock
from schemas.examples import EXAMPLES
from streams.matters.course import Course, Stage
from streams.matters.report import Row, grouped, summary
from streams.matters.spent import Spent

(RECORD,) = EXAMPLES[CaseRecord]
COURSE = Course(
    ended=True,
    kept={Clock.RESPOND: True, Clock.DEPART: False},
    took_ms={Stage.RESPOND: 42_000, Stage.WHOLE: 1_265_000},
    spent=Spent(0, 100, 200, 300, 400),
    returns=1,
    reopens=0,
)
SPAN = Span(1_790_784_000_000, None)


def report(*left_out):
    rows = [Row(RECORD, COURSE)]
    groups = {name: grouped((of(RECORD), row) for row in rows) for name, of in BY.items()}
    return Report(SPAN, summary(rows), groups, list(left_out))


def printed(of):
    console = Console(width=120)
    with console.capture() as caught:
        for table in casereport.tables(of):
            console.print(table, highlight=False, markup=False)
    return " ".join(caught.get().split())


def test_people_read_promises_stages_and_where_the_time_went():
    said = printed(report())

    assert "1 cases of 2026-10-01 00:00:00+08:00 to now, 1 ended" in said
    assert "响应 respond 1 0:42 0:42 0:42" in said
    assert "出发 depart 1 1 100.0%" in said
    assert "合计 all 2 1 50.0%" in said
    assert "系统 machine 10.0% · 等待 queue 20.0% · 人员 person 30.0% · 路途 travel 40.0%" in said


@pytest.mark.parametrize("by", BY)
def test_a_table_by_anything_names_the_group_and_its_broken_promises(by):
    assert f"{BY[by](RECORD)} 1 2 1 50.0% 0/1 - 1/1 - 21:05 21:05" in printed(report())


def test_a_span_without_cases_says_so_and_no_more():
    empty = Report(SPAN, summary([]), {}, [])

    assert printed(empty) == "0 cases of 2026-10-01 00:00:00+08:00 to now, 0 ended"


def test_cases_that_are_left_out_are_named_with_what_to_do():
    said = printed(report("7d1f0c2e-0000-5000-8000-000000000000"))

    assert "1 cases are left out" in said
    assert "7d1f0c2e-0000" in said
    assert "citybrain case verify" in said


def test_programs_read_the_same_figures_in_milliseconds_and_shares():
    told = json.loads(json.dumps(casereport.as_json(report(), "longgang")))

    assert (told["city"], told["cases"], told["left_out"]) == ("longgang", 1, [])
    assert told["promises"]["depart"] == {"due": 1, "broken": 1, "share": 1.0}
    assert told["stages"]["respond"] == {
        "cases": 1, "p50_ms": 42_000, "p90_ms": 42_000, "p99_ms": 42_000,
    }  # fmt: skip
    assert told["spent"] == {"machine": 0.1, "queue": 0.2, "person": 0.3, "travel": 0.4}
    assert [one["name"] for one in told["by"]["kind"]] == [RECORD.incident_kind]


def test_a_month_begins_with_the_citys_own_midnight():
    assert casereport.month_of(1_790_783_999_999) == 1_788_192_000_000
    assert casereport.month_of(1_790_784_000_000) == 1_790_784_000_000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--from", "yesterday"], "'yesterday': write a day as 2026-05-01"),
        (["--from", "2026-05-01", "--until", "2026-05-01"], "--until is to be later than --from"),
        (["--by", "weekday"], "'weekday' is not one of"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_before_anything_is_read(given, said):
    told = CliRunner().invoke(cli, ["case", "report", *given, "--broker", "127.0.0.1:1"])

    assert told.exit_code == 2
    assert said in told.output


def test_a_day_is_the_citys_and_an_instant_says_its_own_offset():
    day_ms = casereport.instant(None, None, "2026-10-01")

    assert day_ms == casereport.instant(None, None, "2026-09-30T16:00:00Z") == SPAN.from_ms
