"""A finding: a sentence written by a person, the numbers it quotes, and the condition under which it is true.

    gain = numbers.find("row_deletion - none ridge", "m1_ic")
    Finding("Deleting untradable rows raises the IC by {gain:+.4f}.", gain=gain, holds=gain.low > 0)

Where the condition holds the sentence is shown with its numbers, elsewhere "not in this run" with the numbers alone. So
prose stays plain English and cannot outlive its numbers. A test holds every finding to the recorded rows.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lib.errors import ParameterError
from lib.paper.pages.pieces import unsigned_zero
from lib.stats.estimates import MINUS, Estimate

#: what stands in place of a sentence whose condition does not hold
NOT_HERE = "Not in this run"
#: characters of a title that is shortened, and at the least of what is left of it
TITLE, HEAD = 100, 30


@dataclass(frozen=True, init=False)
class Finding:
    """One sentence with its numbers.

    sentence: with a replacement field for every number, "{gain:+.2f}". A format applies to the value of an Estimate and
              to both ends of its interval: "+0.03 [+0.01, +0.05]". A number that must not show its interval is given as
              a float. Text is put in as it is.
    holds:    whether the numbers say so. A finding of which a number is missing (NaN) does not hold.
    link:     the page that shows it, by the name of its notebook, for lists of findings of several pages
    """

    sentence: str
    numbers: Mapping[str, Any]
    holds: bool
    link: str

    def __init__(self, sentence: str, *, holds: bool, link: str = "", **numbers: Estimate | float | str) -> None:
        named = {name for name, _ in _fields(sentence)}
        if named != set(numbers):
            raise ParameterError(
                f"finding {sentence!r}: its sentence names {sorted(named)}, given are {sorted(numbers)}; expected equal"
            )
        found = not any(_is_missing(value) for value in numbers.values())
        values = {"sentence": sentence, "numbers": numbers, "holds": bool(holds) and found, "link": link}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def complete(self) -> bool:
        """Whether the run has all its numbers."""
        return not any(_is_missing(value) for value in self.numbers.values())

    @property
    def text(self) -> str:
        """The sentence with its numbers; where it does not hold, the numbers alone.

        >>> Finding("It gains {gain:+.1%} a year.", gain=0.021, holds=True).text
        'It gains +2.1% a year.'
        >>> Finding("It gains {gain:+.1%} a year.", gain=-0.3, holds=False).text.replace(MINUS, "-")
        'Not in this run (gain -30.0%).'
        """
        if self.holds:
            return _FORMATTER.format(self.sentence, **self.numbers)
        shown = (
            f"{name.replace('_', ' ')} {_FORMATTER.format_field(self.numbers[name], form)}"
            for name, form in dict(_fields(self.sentence)).items()
            if not isinstance(self.numbers[name], str)
        )
        return f"{NOT_HERE} ({', '.join(shown)})." if self.numbers else f"{NOT_HERE}."

    def title(self, neutral: str) -> str:
        """The sentence as the title of a figure, without its full stop; `neutral` where it does not hold.

        Of more than TITLE characters it keeps what says the message: the first sentence, or what stands before its
        colon, where that has HEAD characters or more.

        >>> Finding("Masked books trade less than unmasked ones: " + "by a lot, " * 9, holds=True).title("")
        'Masked books trade less than unmasked ones'
        """
        if not self.holds:
            return neutral
        found = self.text
        for mark in (". ", ": "):
            head, cut, _ = found.partition(mark)
            if cut and len(found) > TITLE and len(head) >= HEAD and head.count("(") == head.count(")"):
                found = head.rpartition("; ")[0] or head
        return found.removesuffix(".")


def first(findings: Iterable[Finding]) -> Finding:
    """The first that holds; where none does, the first of all. For questions of which every outcome is written down."""
    found = list(findings)
    return next((item for item in found if item.holds), found[0])


def outcome(sentences: Mapping[str, bool], **numbers: Estimate | float | str) -> Finding:
    """Of a question whose every outcome is written down with the same numbers: the first whose condition holds.

    >>> outcome({"It gains {gain:.1f}.": False, "It loses: {gain:.1f}.": True}, gain=-2.0).text.replace(MINUS, "-")
    'It loses: -2.0.'
    """
    return first(Finding(sentence, holds=holds, link="", **numbers) for sentence, holds in sentences.items())


def by_sign(item: Estimate, above: str, below: str, unclear: str, **numbers: Any) -> Finding:
    """The sentence of the side of zero on which an interval lies; `unclear` where it contains zero.

    >>> by_sign(Estimate(0.2, 0.1, 0.3), "Up by {x:.1f}.", "Down by {x:.1f}.", "Not shown: {x:.1f}.", x=0.2).text
    'Up by 0.2.'
    """
    return first([
        Finding(above, holds=item.low > 0, **numbers),
        Finding(below, holds=item.high < 0, **numbers),
        Finding(unclear, holds=item.low <= 0 <= item.high, **numbers),
    ])  # fmt: skip


def listed(findings: Iterable[Finding]) -> str:
    """Findings as a Markdown list."""
    return "\n".join(f"- {item.text}" for item in findings)


class _Formatter(string.Formatter):
    """Estimates with their intervals, missing numbers as n/a, real minus signs."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Estimate):
            shown = self.format_field(value.value, format_spec)
            if math.isnan(value.low) or math.isnan(value.high):
                return shown
            low, high = (self.format_field(end, format_spec) for end in (value.low, value.high))
            return f"{shown} [{low}, {high}]"
        if isinstance(value, float) and not math.isfinite(value):
            return "n/a"
        text = format(value, format_spec)
        return text if isinstance(value, str) else unsigned_zero(text).replace("-", MINUS)


_FORMATTER = _Formatter()


def _fields(sentence: str) -> Iterator[tuple[str, str]]:
    """Name and format of the replacement fields of a sentence."""
    yield from ((name, form or "") for _, name, form, _ in string.Formatter().parse(sentence) if name)


def _is_missing(value: Any) -> bool:
    number = value.value if isinstance(value, Estimate) else value
    return isinstance(number, float) and math.isnan(number)
