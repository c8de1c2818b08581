"""What an agent is, to those who run it: its inputs and its operators."""

from collections.abc import Callable
from typing import NamedTuple

from streams.operator import Operator


class AgentSpec(NamedTuple):
    """One agent: what it reads, and who decides on each of its partitions.

    `inputs` have the same number of partitions and keys; one operator sees
    partition n of all of them. `build` makes the operator of a partition.
    """

    name: str
    inputs: tuple[str, ...]
    build: Callable[[int], Operator]
