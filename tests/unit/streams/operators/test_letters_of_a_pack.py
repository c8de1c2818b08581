"""A pack full of bad items costs a few letters, not one of its whole size for each."""

import numpy as np
import orjson
import pytest

from schemas.records import RawBatch, Reason, Reject, Stage
from streams.operators.events import LETTERS_A_RECORD, Tally

RAW = RawBatch("t", 0, np.array([7, 8]), np.array([1, 1]), [b"k"] * 2, [b"v" * 10] * 2)


def refused(*rows):
    tally = Tally("longgang", 2_000)
    for number, row in enumerate(rows):
        tally.refuse(RAW, Reject(row, Stage.DECODE, Reason.WRONG_TYPE, f"[{number}]", "why"))
    return tally


@pytest.mark.parametrize("items", [1, LETTERS_A_RECORD - 1])
def test_each_of_a_few_items_has_its_letter(items) -> None:
    tally = refused(*[0] * items)

    assert len(tally.sends) == items
    assert all(orjson.loads(send.value)["hint"] == "why" for send in tally.sends)


def test_of_many_items_the_first_have_letters_and_all_are_counted() -> None:
    tally = refused(*[0] * 100_000)

    letters = [orjson.loads(send.value) for send in tally.sends]
    assert len(letters) == len({letter["id"] for letter in letters}) == LETTERS_A_RECORD
    assert letters[-1]["hint"].endswith("is counted without a letter")
    assert tally.refused.total() == 100_000


def test_another_record_has_letters_of_its_own() -> None:
    tally = refused(*[0] * 100, 1)

    assert orjson.loads(tally.sends[-1].value)["offset"] == 8
