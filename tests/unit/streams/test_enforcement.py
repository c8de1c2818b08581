"""The table of competences: who leads which kind, and where it has holes."""

import msgspec

from deploy.cities import LONGGANG, read_folder
from streams.city.files import city_findings
from streams.matters.enforcement import Competence, Competences

TABLE = Competences(
    [
        Competence("police", "traffic", "parking", kind="parking.illegal"),
        Competence("police", "traffic", "licence"),
        Competence("fire", "fires", "any", kind="fire.*"),
        Competence("enforcement", "rest", "anything", kind="stall.*"),
    ]
)


def test_the_first_row_that_fits_a_kind_is_taken_and_what_none_fits_is_a_hole():
    assert TABLE.of("fire.seen").department == "fire"
    assert TABLE.of("crowd.gathering") is None
    assert TABLE.holes(["fire.seen", "crowd.gathering"]) == ["crowd.gathering"]


def test_another_row_or_another_order_of_rows_is_another_version():
    same, less = Competences(TABLE.rows), Competences(TABLE.rows[1:])

    assert len(TABLE.version) == 12
    assert TABLE.version == same.version
    assert len({TABLE.version, less.version, Competences(TABLE.rows[::-1]).version, ""}) == 4
    assert Competences().version == ""


def found(change):
    files = dict(read_folder(LONGGANG))
    files["enforcement.csv"] = change(files["enforcement.csv"].decode()).encode()
    return [one.what for one in city_findings(files) if one.file == "enforcement.csv"]


def test_the_citys_table_has_nine_departments_thirty_three_fields_and_no_hole():
    text = read_folder(LONGGANG)["enforcement.csv"].decode()
    rows = [line.split(",") for line in text.splitlines()[1:]]

    assert len({row[1] for row in rows}) == 9
    assert len({(row[1], row[2]) for row in rows}) == 33
    assert found(lambda text: text) == []


def test_a_city_check_tells_the_holes_of_the_table_and_who_is_not_there():
    def spoil(text):
        rows = [line for line in text.splitlines() if not line.startswith("crowd.gathering")]
        return "\n".join([*rows, rows[1], ",sewers,drains,pipes,"]) + "\n"

    assert sorted(found(spoil)) == [
        "'店外经营、占道摆摊' is there twice",
        "a hole: nobody leads 'crowd.gathering'",
        "no unit is of the department 'sewers'",
    ]


def test_a_competence_survives_the_tables_codec():
    row = TABLE.rows[0]

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=Competence) == row
