"""The weight of an exponentially weighted average."""

from __future__ import annotations


def alpha_of_span(span: int) -> float:
    """Weight of today, 2 / (span + 1), as in pandas."""
    return 2.0 / (span + 1)
