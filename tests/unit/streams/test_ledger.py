import pytest

from streams.ledger import Counts


def test_counts_that_add_up_are_passed_on():
    counts = Counts(read=10, used=4, late=1, future=2, rejected=2, redelivered=1)

    assert counts.check() is counts
    assert counts.plus(counts).check() == Counts(20, 8, 2, 4, 4, 2)


@pytest.mark.parametrize("used", [3, 5])
def test_a_row_lost_or_invented_is_not_passed_over(used):
    with pytest.raises(ValueError, match="10 rows read"):
        Counts(read=10, used=used, late=1, future=2, rejected=2, redelivered=1).check()
