"""What a person can mend comes out as itself, however deep among tasks it happened."""

import pytest

from deploy.errors import Fault, ungrouped


def test_the_first_fault_of_nested_groups_comes_out_as_itself() -> None:
    deep = ExceptionGroup("outer", [ExceptionGroup("inner", [Fault("port 80"), Fault("port 81")])])

    with pytest.raises(Fault, match="port 80"), ungrouped():
        raise deep


def test_what_is_no_fault_passes_as_it_is() -> None:
    with pytest.raises(ExceptionGroup, match="a defect"), ungrouped():
        raise ExceptionGroup("a defect", [ValueError("of ours")])
