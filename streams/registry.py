"""The one list of rules: a new rule joins here, and its parameters in rules.toml."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class RuleEntry(NamedTuple):
    """One rule as the operators run it.

    Attributes:
        rule: Its module: `NAME`, `evaluate`, `close`.
        state: The Struct of a key's state, or the dtype of a row of columns.
        setting: Makes what the rule is told from a city.
        by_data: Closed by the time that the feed's own rows account for, not by
            a silent feed's wall time: for rules about silence.
    """

    rule: Any
    state: type[Any] | np.dtype[Any]
    setting: Callable[[Any], Any]
    by_data: bool = False
