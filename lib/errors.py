"""The exceptions of `lib`: one base class, one subclass per kind of bad input.

Every message says what is wrong, where, what was got, what was expected and what to do, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LibError(ValueError):
    """Base of every error this package raises on purpose."""


class LoadError(LibError):
    """A file cannot become a valid Panel."""


class PanelError(LibError):
    """Arrays that do not form a panel."""


class ExpressionError(LibError):
    """A formula that has no meaning: a negative delay, a window over a constant."""


class ParameterError(LibError):
    """A parameter that is unknown, of the wrong type, or out of range."""


class UnknownNameError(LibError):
    """A name (factor, study, field) that does not exist."""


class StatisticsError(LibError):
    """A statistic that is undefined for its input, such as the Sharpe ratio of a constant."""


class StoreError(LibError):
    """A stored result that cannot be trusted."""


class ShortPanelWarning(UserWarning):
    """Factors that reach back further than the panel goes."""


class SlowStartWarning(UserWarning):
    """Compiled code that cannot be kept for the next process."""


def closest(name: str, options: Iterable[str]) -> str:
    """Suggestion for an unknown name.

    >>> closest("alpha_01", ["alpha_001", "better_001"])
    "; did you mean 'alpha_001'?"
    """
    matches = difflib.get_close_matches(name, list(options), n=3)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else ""
