"""Reading a city's TOML, CSV and GeoJSON into typed records, with the line of each fault."""

import csv
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from streams.city.culprit import path_to
from streams.city.findings import Finding, misfit, path_text

T = TypeVar("T", bound=msgspec.Struct)

_HEADER = re.compile(r"^\[(\[)?\s*([\w.\-\" ]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^([\w\-]+|\"[^\"]+\")\s*=\s*(.*)$")
_NAME = re.compile(r"\"([^\"]*)\"|([\w\-]+)")


class Row(NamedTuple):
    """A record with the line that it stands on."""

    line: int
    record: Any


class Feature(NamedTuple):
    """A feature of a GeoJSON file, its geometry unread."""

    line: int
    id: str
    properties: dict[str, Any]
    geometry: Any


class CityText:
    """The files of a city, and what was found wrong in them so far."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.findings: list[Finding] = []
        self._unread: list[Finding] = []
        self._lines: dict[str, dict[tuple[str | int, ...], int]] = {}

    def find(self, file: str, line: int, path: str, what: str, cure: str) -> None:
        """Note one thing that is wrong."""
        self.findings.append(Finding(file, line, path, what, cure))

    def unread(self, file: str, line: int, what: str, cure: str) -> None:
        """Note why a file cannot be read at all."""
        self._unread.append(Finding(file, line, "", what, cure))
        self.findings.append(self._unread[-1])

    @property
    def told(self) -> tuple[Finding, ...]:
        """What is to be mended, by file and line.

        Where files cannot be read, only these: what else is found may be missing for
        no other reason than that, and would hide it.
        """
        return tuple(sorted(set(self._unread or self.findings)))

    def text(self, file: str) -> str | None:
        """Return the text of a file; None, with a finding, when it is missing or no UTF-8."""
        raw = self.files.get(file)
        if raw is None:
            self.unread(file, 1, "the file is missing", "add it to the city's folder")
            return None
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self.unread(file, line, "the text is not UTF-8", "save the file as UTF-8")
            return None

    # -- TOML -------------------------------------------------------------

    def toml(self, file: str) -> dict[str, Any]:
        """Return a parsed TOML file, empty with a finding when it cannot be read."""
        text = self.text(file)
        if text is None:
            return {}
        self._lines[file] = _toml_lines(text)
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = re.search(r"at line (\d+)", str(error))
            line = int(at[1]) if at else text.count("\n") + 1
            self.unread(file, line, f"not TOML: {error}", "mend the line, or the one before")
            return {}

    def line(self, file: str, path: tuple[str | int, ...]) -> int:
        """Return the line of a key in a TOML file, or of the nearest thing around it."""
        lines = self._lines.get(file, {})
        for length in range(len(path), 0, -1):
            for place in (path[:length], (*path[:length], 0)):
                if place in lines:
                    return lines[place]
        return 1

    def at(self, file: str, path: tuple[str | int, ...], what: str, cure: str) -> None:
        """Note something wrong at a key of a TOML file."""
        self.find(file, self.line(file, path), path_text(path), what, cure)

    def convert(
        self, file: str, path: tuple[str | int, ...], value: object, kind: type[T]
    ) -> T | None:
        """Return `value`, which stands at `path`, as `kind`; None with a finding."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            found = misfit(error, _keys_at(kind, error), path_to(error, value, kind))
            self.at(file, (*path, *found.path), found.what, found.cure)
            return None

    def array(self, file: str, data: Mapping[str, Any], name: str, kind: type[T]) -> Iterator[Row]:
        """Yield the tables `[[name]]` of a TOML file, each with its line."""
        tables = data.get(name, [])
        if not isinstance(tables, list):
            self.at(file, (name,), f"`{name}` is not a list", f"write each as [[{name}]]")
            return
        for at, table in enumerate(tables):
            record = self.convert(file, (name, at), table, kind)
            if record is not None:
                yield Row(self.line(file, (name, at)), record)

    def no_others(self, file: str, data: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Note the keys at the top of a TOML file that nothing reads."""
        for key in data:
            if key not in known:
                error = msgspec.ValidationError(f"unknown field `{key}`")
                self.at(file, (key,), *misfit(error, known)[1:])

    # -- CSV --------------------------------------------------------------

    def csv(self, file: str, kind: type[T]) -> Iterator[Row]:
        """Yield the rows of a CSV as `kind`; empty cells are absent keys, blanks part a list."""
        text = self.text(file)
        if text is None:
            return
        reader = csv.reader(text.splitlines(keepends=True), strict=True)
        # Looked up once: a register has ten thousand rows.
        known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        lists = {name for name, annotated in known.items() if get_origin(annotated) is tuple}
        try:
            header = next(reader, [])
            for name in header:
                if name not in known:
                    error = msgspec.ValidationError(f"unknown field `{name}`")
                    self.find(file, 1, name, *misfit(error, known)[1:])
            for cells in reader:
                line = reader.line_num
                if len(cells) != len(header):
                    what = f"{len(cells)} cells under {len(header)} headings"
                    self.find(file, line, "", what, "give each heading one cell")
                    continue
                filled = {
                    name: cell.split() if name in lists else cell
                    for name, cell in zip(header, cells, strict=True)
                    if cell and name in known
                }
                row = self._csv_row(file, line, filled, kind)
                if row is not None:
                    yield row
        except csv.Error as error:
            self.unread(file, reader.line_num, f"not CSV: {error}", "mend the quotes")

    def _csv_row(
        self, file: str, line: int, filled: Mapping[str, Any], kind: type[T]
    ) -> Row | None:
        try:
            return Row(line, msgspec.convert(filled, kind, strict=False))
        except msgspec.ValidationError as error:
            names = [field.encode_name for field in msgspec.structs.fields(kind)]
            found = misfit(error, names)
            self.find(file, line, path_text(found.path), found.what, found.cure)
            return None

    # -- GeoJSON ----------------------------------------------------------

    def geojson(self, file: str) -> list[Feature]:
        """Return the features of a GeoJSON file that have an id of their own."""
        text = self.text(file)
        if text is None:
            return []
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            self.unread(file, error.lineno, f"not JSON: {error.msg}", "mend the line")
            return []
        if not isinstance(data, dict) or not isinstance(data.get("features"), list):
            self.unread(file, 1, "not a FeatureCollection", "put the areas in `features`")
            return []
        if data.get("datum") != "wgs84":
            what = f"the datum is {data.get('datum')!r}, not 'wgs84'"
            cure = 'convert the coordinates to WGS-84 and say "datum": "wgs84"'
            self.find(file, 1, "datum", what, cure)
        return list(self._features(file, text, data["features"]))

    def feature_facts(self, file: str, feature: Feature, kind: type[T]) -> T | None:
        """Return the properties of a feature as `kind`; None with a finding."""
        try:
            return msgspec.convert(feature.properties, kind)
        except msgspec.ValidationError as error:
            found = misfit(error, _keys_at(kind, error))
            path = path_text((feature.id, "properties", *found.path))
            self.find(file, feature.line, path, found.what, found.cure)
            return None

    def _features(self, file: str, text: str, features: list[Any]) -> Iterator[Feature]:
        starts = _lines_of(text, r'"type"\s*:\s*"Feature"')
        seen: dict[str, int] = {}
        for at, one in enumerate(features):
            line = starts[at] if at < len(starts) else 1
            name = one.get("id") if isinstance(one, dict) else None
            if not isinstance(name, str) or not name:
                self.find(file, line, f"features[{at}]", "no id", 'give the feature an "id"')
            elif name in seen:
                cure = f"choose another: line {seen[name]} has it already"
                self.find(file, line, name, f"the id {name!r} is used twice", cure)
            else:
                seen[name] = line
                properties = one.get("properties") or {}
                yield Feature(line, name, properties, one.get("geometry"))


def _lines_of(text: str, pattern: str) -> list[int]:
    """Return the line of each match of `pattern`."""
    lines, line, read = [], 1, 0
    for match in re.finditer(pattern, text):
        line += text.count("\n", read, match.start())
        read = match.start()
        lines.append(line)
    return lines


def _toml_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line of each table, key and listed inline table of a TOML text.

    Good for the way in which these files are written, a header or a key or an
    inline table at the start of a line; elsewhere the line around it serves.
    """
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    key: tuple[str | int, ...] = ()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if header := _HEADER.match(line):
            table = _table_path(header, counts)
            lines.setdefault(table, number)
        elif named := _KEY.match(line):
            key = (*table, named[1].strip('"'))
            lines.setdefault(key, number)
        elif line.startswith("{"):
            counts[key] = counts.get(key, -1) + 1
            lines[(*key, counts[key])] = number
    return lines


def _table_path(
    header: re.Match[str], counts: dict[tuple[str | int, ...], int]
) -> tuple[str | int, ...]:
    """Return the path of a header, with the index of each list of tables on the way."""
    path: tuple[str | int, ...] = ()
    names = [quoted or bare for quoted, bare in _NAME.findall(header[2])]
    for at, name in enumerate(names):
        path = (*path, name)
        if header[1] and at == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _keys_at(kind: type[msgspec.Struct], error: msgspec.ValidationError) -> list[str]:
    """Return the keys that are known where `error` is, within `kind`."""
    for name in misfit(error).path:
        for field in msgspec.structs.fields(kind):
            if field.encode_name == name:
                kind = _struct_in(field.type) or kind
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    """Return the struct in an annotation such as `tuple[Season, ...]` or `Box | None`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next(filter(None, map(_struct_in, get_args(annotation))), None)
