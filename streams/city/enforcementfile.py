"""Reading `enforcement.csv`, with the holes of the table among the findings."""

from schemas.complaints import COMPLAINT_KINDS
from schemas.detections import DETECTION_KINDS
from streams.city.text import CityText
from streams.matters.enforcement import Competence, Competences
from streams.matters.routing import Roster

ENFORCEMENT = "enforcement.csv"


def read_enforcement(text: CityText, roster: Roster) -> Competences:
    """Return the table of `enforcement.csv`; a city without the file has none.

    Args:
        text: The city's files; what is wrong is noted there: a department without a
            unit, a matter twice, a kind of detection or ticket that nobody leads.
        roster: The city's units.
    """
    if ENFORCEMENT not in text.files:
        return Competences()
    departments = {unit.department for unit in roster.units.values() if unit.department}
    rows, seen = [], set()
    for line, row in text.csv(ENFORCEMENT, Competence):
        rows.append(row)
        if row.department not in departments:
            what = f"no unit is of the department {row.department!r}"
            text.find(ENFORCEMENT, line, "department", what, "add one to units.toml")
        name = (row.department, row.field, row.matter, row.kind)
        if name in seen:
            text.find(ENFORCEMENT, line, "matter", f"{row.matter!r} is there twice", "keep one")
        seen.add(name)
    table = Competences(rows)
    for kind in table.holes([*DETECTION_KINDS, *COMPLAINT_KINDS]):
        what = f"a hole: nobody leads {kind!r}"
        text.find(ENFORCEMENT, 1, kind, what, "add a row that names its department and matter")
    return table
