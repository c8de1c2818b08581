import itertools

import msgspec
import pytest

from schemas.commands import CaseAction
from schemas.dispatch import CaseState
from streams.matters.cases import ENDED, MOVES, Order, furthest, refusal
from streams.matters.routing import Level

S, A = CaseState, CaseAction
STORY = {
    S.DETECTED: {A.FALSE_ALARM},
    S.DISPATCHED: {A.ACCEPT, A.RETURN, A.FALSE_ALARM},
    S.ACCEPTED: {A.DEPART, A.RETURN, A.FALSE_ALARM},
    S.DEPARTED: {A.ARRIVE, A.RETURN, A.FALSE_ALARM},
    S.ON_SITE: {A.HANDLE, A.RETURN, A.FALSE_ALARM},
    S.HANDLED: {A.VERIFY},
    S.VERIFIED: {A.CLOSE},
    S.CLOSED: set(),
    S.FALSE_ALARM: set(),
    S.RETURNED: set(),
    S.HANDLED_UNVERIFIED: {A.VERIFY},
    S.MERGED: set(),
}


def at(state, part=""):
    return Order("id", "unit", "name", Level.GRID, state, part=part)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(CaseState, CaseAction)))
def test_every_move_is_either_in_the_table_or_refused_with_what_is_possible(state, action):
    refused = refusal(at(state), action, "a reason")

    if action in STORY[state]:
        assert refused is None
        assert MOVES[state, action] is not state
    else:
        assert refused.startswith(f"illegal-move: {action} while {state}")
        assert all(possible.value in refused for possible in STORY[state])


@pytest.mark.parametrize("action", [A.RETURN, A.FALSE_ALARM])
def test_handing_back_and_false_alarms_say_why(action):
    assert refusal(at(S.ACCEPTED), action, " ").startswith("reason-required")


def test_from_every_state_that_is_not_the_end_an_end_can_be_reached():
    for state in set(CaseState) - ENDED - {S.RETURNED}:
        reached, edge = {state}, {state}
        while edge:
            edge = {to for (at, _), to in MOVES.items() if at in edge} - reached
            reached |= edge

        assert reached & ENDED


def test_a_case_stands_where_its_furthest_order_stands():
    assert furthest([at(S.DISPATCHED), at(S.ON_SITE), at(S.RETURNED)]) is S.ON_SITE
    assert furthest([]) is S.DETECTED


def test_an_order_survives_the_tables_codec():
    order = Order("id", "unit", "name", Level.GRID, S.ON_SITE, revision=3)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=Order) == order


def test_what_nothing_proves_is_verified_by_a_photo_or_a_word_only():
    handled = at(S.HANDLED_UNVERIFIED)

    assert refusal(handled, A.VERIFY, " ").startswith("proof-required")
    assert refusal(handled, A.VERIFY, "the square is empty") is None
    assert refusal(handled, A.VERIFY, "", photo="photos/1.jpg") is None


@pytest.mark.parametrize("action", [A.RECEIPT, A.REPORT_IN])
def test_only_who_was_asked_by_the_city_answers_it(action):
    assert refusal(at(S.DISPATCHED), action, "").startswith("illegal-move")
    assert refusal(at(S.DISPATCHED, part="asked"), action, "") is None
