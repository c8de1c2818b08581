"""What help texts and pages show can be given as it stands, and links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from deploy.cities import LONGGANG, read_folder
from deploy.cli import cli
from streams.city.files import city_findings
from streams.registry import PARAMS

ROOT = Path(__file__).parents[3]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "streams/README.md", "schemas/README.md")
    ),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("deploy/**/README.md")),
]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Up to the end of the words, or of the `$(…)` or the pipeline that they stand in.
SHOWN = re.compile(r"(?:^|[\s(])citybrain ([^\n|)&`]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
INLINE = re.compile(r"`citybrain ([a-z][^`…/]*)`")


def lines_in(text: str) -> Iterator[str]:
    for found in SHOWN.finditer(text.replace("\\\n", " ")):
        yield found[1]


def helps(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=" ".join(words))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from helps(child, (*words, name))
    else:
        shown = re.split(r"Examples?:", command.help or "", maxsplit=1)
        yield from ((f"{' '.join(words)} --help", line) for line in lines_in(shown[-1]))


def told() -> list[tuple[str, str]]:
    pages = [
        (page.relative_to(ROOT).as_posix(), line)
        for page in PAGES
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for line in lines_in(block)
    ]
    return [*helps(cli), *pages]


def fault_of(line: str, *, is_whole: bool = True) -> str:
    """Return what is wrong with the words after `citybrain`; nothing when they can be given.

    Args:
        line: The words.
        is_whole: Nothing may be missing.
    """
    words = shlex.split(line, comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(click.Context(command), words[0])
        if child is None:
            return f"no command {words[0]}"
        command, words = child, words[1:]
    context = click.Context(command, info_name="citybrain")
    try:
        given, rest, _ = command.make_parser(context).parse_args(words)
        for parameter in command.get_params(context):
            chosen = given.get(parameter.name or "")
            if isinstance(parameter.type, click.Choice | click.IntRange | click.FloatRange):
                for value in chosen if isinstance(chosen, list | tuple) else [chosen]:
                    if isinstance(value, str):
                        parameter.type.convert(value, parameter, context)
            if is_whole and parameter.required and not isinstance(chosen, str | list | tuple):
                return f"without {parameter.name}"
    except click.UsageError as error:
        return error.format_message()
    return f"too much: {rest}" if rest and not isinstance(command, click.Group) else ""


@pytest.mark.parametrize(("where", "line"), told(), ids=" ".join)
def test_a_command_that_is_shown_can_be_given(where: str, line: str) -> None:
    assert fault_of(line) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_in_a_sentence_has_the_options_that_it_names(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    wrong = {one: fault_of(one, is_whole=False) for one in INLINE.findall(text)}

    assert {one: fault for one, fault in wrong.items() if fault} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "line",
    [
        "simulat",
        "tail",
        "tail alerts --wher a=b",
        "bench lanes --seconds 1",
        "case act x fly --by a",
        "keys new",
    ],
)
def test_a_command_that_cannot_be_given_is_found(line: str) -> None:
    assert fault_of(line)


def test_the_mistake_that_the_page_of_rules_shows_is_told_as_it_says() -> None:
    page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    rule = page.partition("<<'EOF'\n")[2].partition("EOF")[0]
    files = read_folder(LONGGANG)
    good = {**files, "rules.toml": files["rules.toml"] + rule.encode()}
    bad = {**files, "rules.toml": files["rules.toml"] + rule.replace('"%"', '"V"').encode()}

    (finding,) = city_findings(bad, PARAMS)

    assert city_findings(good, PARAMS) == ()
    told = str(finding).partition(f":{finding.line}:")[2]  # its number follows the file's length
    assert re.search(rf"^mycity/rules\.toml:\d+:{re.escape(told)}$", page, re.MULTILINE)
