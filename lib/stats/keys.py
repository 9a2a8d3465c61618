"""What a number is about, as a record of named parts: one template writes the name of a variant and takes it apart.

    DISTANCE = Key("{source} {family}: {holds}: {side}")
    DISTANCE.name(source="market", family="all", holds="halt", side="raw")    # 'market all: halt: raw'
    DISTANCE.parts("market all: halt: raw")                                    # {'source': 'market', ...}
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from lib.errors import ParameterError
from lib.stats.estimates import Numbers


class Key:
    """A two-way template of names.

    template: text with named fields in braces
    choices:  field -> the values it may take; where none are given, any text without the characters that follow the
              field in the template, and a first field no space

    Raises ParameterError for a value that is no choice, and for one that could not be read back.
    """

    def __init__(self, template: str, **choices: Iterable[str]) -> None:
        self.template = template
        self.choices = {name: tuple(values) for name, values in choices.items()}
        pieces = list(string.Formatter().parse(template))
        self.fields = tuple(name for _, name, _, _ in pieces if name)
        unknown = set(self.choices) - set(self.fields)
        if unknown or len(set(self.fields)) < len(self.fields):
            raise ParameterError(f"key {template!r}: expected distinct fields; choices, got {sorted(choices)}")
        pattern = ""
        for place, (text, name, _, _) in enumerate(pieces):
            pattern += re.escape(text)
            if name:
                after = pieces[place + 1][0] if place + 1 < len(pieces) else ""
                pattern += f"(?P<{name}>{self._values(name, after)})"
        self._pattern = re.compile(pattern)

    def _values(self, name: str, after: str) -> str:
        if name in self.choices:
            return "|".join(re.escape(value) for value in sorted(self.choices[name], key=len, reverse=True))
        return f"[^{re.escape(after[0])}]+" if after else ".+"

    def name(self, **parts: Any) -> str:
        """The name of some parts.

        >>> Key("{source} at {test}").name(source="market", test="halts")
        'market at halts'
        """
        text = self.template.format(**parts)
        if self.parts(text) != {name: str(value) for name, value in parts.items()}:
            raise ParameterError(f"key {self.template!r}: {parts} gives {text!r}, which does not read back")
        return text

    def parts(self, name: str) -> dict[str, str] | None:
        """The parts of a name; None for a name of another kind.

        >>> Key("{source} at {test}").parts("market at halts")
        {'source': 'market', 'test': 'halts'}
        """
        found = self._pattern.fullmatch(name)
        return found.groupdict() if found else None

    def read(self, numbers: Numbers) -> pd.DataFrame:
        """All numbers of this kind: a column for every part, then metric, value, low, high."""
        lines = [
            {**parts, "metric": metric, "value": found.value, "low": found.low, "high": found.high}
            for (variant, metric), found in numbers.items()
            if (parts := self.parts(variant)) is not None
        ]
        return pd.DataFrame(lines, columns=[*self.fields, "metric", "value", "low", "high"])


def unread(names: Iterable[str], keys: Mapping[str, Key]) -> dict[str, list[str]]:
    """Names that fit no key, or more than one, with the keys that they fit: a test expects none."""
    fits = {name: [label for label, key in keys.items() if key.parts(name) is not None] for name in names}
    return {name: found for name, found in fits.items() if len(found) != 1}
