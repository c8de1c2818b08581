"""Who is sent is decided by how things stood: what is read later changes no choice.

After a crash words and incidents are read again in another order than before. The
same unit must be chosen, or two crews go to one fire.
"""

from hypothesis import given
from hypothesis import strategies as st

from schemas.responders import UnitState
from streams.matters.responders import SETTLED_MS, Crews, Moment, Task, pick
from streams.matters.routing import AreaChain, Level, Unit

AT_MS = 1_790_000_000_000
SETTLED_AT_MS = AT_MS - SETTLED_MS
CODES = ["a", "b", "c"]
UNITS = [Unit(code, Level.DEPARTMENT, department="fire") for code in CODES]
CODE = st.sampled_from(CODES)
STATE = st.sampled_from(list(UnitState))
PLACE = st.tuples(st.floats(120.5, 120.6), st.floats(27.5, 27.6))
BEFORE = st.integers(SETTLED_AT_MS - 600_000, SETTLED_AT_MS)
# What may be read before the choice is made again: no word is older than these few seconds.
AFTER = st.integers(SETTLED_AT_MS + 1, SETTLED_AT_MS + 9_000)
SEEN = st.lists(st.tuples(BEFORE, CODE, PLACE), max_size=9).map(sorted)
SAID = st.lists(st.tuples(BEFORE, CODE, STATE), max_size=9).map(sorted)
SEEN_LATER = st.lists(st.tuples(AFTER, CODE, PLACE), max_size=9).map(sorted)
SAID_LATER = st.dictionaries(CODE, st.tuples(AFTER, STATE))
DONE = st.one_of(st.none(), BEFORE)
TASKS = st.lists(st.tuples(CODE, BEFORE, DONE), max_size=9)


def chosen(crews):
    chain = AreaChain("M", "G", "C", "LG")
    return pick(UNITS, Moment("case", chain, (120.55, 27.55), AT_MS, crews, 300_000))


def tell(crews, seen, said):
    for at_ms, code, place in seen:
        crews.hear(code, crews.standing(code).with_place(at_ms, at_ms, place))
    for at_ms, code, state in said:
        crews.hear(code, crews.standing(code).with_state(at_ms, state))


@given(seen=SEEN, said=SAID, tasks=TASKS, later=SEEN_LATER, said_later=SAID_LATER, more=st.data())
def test_what_comes_later_changes_no_choice(seen, said, tasks, later, said_later, more):  # noqa: PLR0917
    crews = Crews()
    tell(crews, seen, said)
    for number, task in enumerate(tasks):
        crews.put(f"case-{number}", [Task(*task)])
    before = chosen(crews)

    tell(crews, later, [(at_ms, code, state) for code, (at_ms, state) in said_later.items()])
    for number, (code, from_ms, until_ms) in enumerate(tasks):
        if until_ms is None and more.draw(st.booleans()):  # handled, but later
            crews.put(f"case-{number}", [Task(code, from_ms, more.draw(AFTER))])
    crews.put("a later case", [Task(more.draw(CODE), AT_MS + 1, None)])

    assert chosen(crews) == before


@given(seen=SEEN, said=SAID, tasks=TASKS)
def test_the_chosen_is_free_where_one_is_and_neither_off_nor_out_of_reach(seen, said, tasks):
    crews = Crews()
    tell(crews, seen, said)
    for number, task in enumerate(tasks):
        crews.put(f"case-{number}", [Task(*task)])
    states = {code: crews.standing(code).state_at(SETTLED_AT_MS) for code in CODES}
    there = {code for code in CODES if states[code] not in {UnitState.OFF, UnitState.UNREACHABLE}}
    free = {
        code
        for code in there
        if states[code] is not UnitState.BUSY and not crews.load(code, AT_MS, "case")
    }

    unit = chosen(crews).unit

    assert (unit.code if unit else None) in (free or there or {None})
