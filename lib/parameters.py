"""Declared parameters, and the check that a notebook makes of the ones it was given.

papermill puts its values in a cell after the notebook's defaults, and only warns about a name that the
notebook does not know. The next cell therefore asks:

    settings = check_parameters(globals(), "limit_events")

and an unknown name, a wrong type or a value out of range stops the notebook with one clear line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from types import NoneType
from typing import Any

from lib.errors import ParameterError, closest

#: what a value of a notebook must be to count as a parameter: what papermill can inject
_PLAIN = (bool, int, float, str, list, tuple, dict, NoneType)
_OF_IPYTHON = frozenset({"In", "Out"})
_SEQUENCES = (list, tuple)


@dataclass(frozen=True)
class Parameter:
    """One parameter: its kind, its default, and what it may be.

    kind:     a type, or several: int, float, str, bool, date, list, tuple, dict. An int serves as a float, a number of
              numpy as one of Python; a bool is neither; text is never a number. Beside a number or str, list means a
              list of those. A date is whatever `lib.days` reads, and comes out as text YYYY-MM-DD.
    low:      smallest allowed number, inclusive; for a list, of every element
    high:     largest allowed number, inclusive
    choices:  the allowed values; for a list, of every element
    optional: None and "" are allowed, and both give None
    help:     one line for a reader

    >>> Parameter(int, 4, low=1).check("seeds", 8)
    8
    """

    kind: type | tuple[type, ...]
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    optional: bool = False
    help: str = ""

    @property
    def kinds(self) -> tuple[type, ...]:
        return self.kind if isinstance(self.kind, tuple) else (self.kind,)

    def check(self, name: str, value: Any) -> Any:
        """`value` if this parameter allows it (an int as a float where a float is asked for).

        Raises ParameterError naming the parameter, the value and what was expected.
        """
        if self.optional and (value is None or value == ""):
            return None
        if isinstance(value, _SEQUENCES) and isinstance(value, self.kinds):
            return type(value)(self._element(f"{name}[{i}]", item) for i, item in enumerate(value))
        return self._single(name, value, self.kinds)

    def _element(self, name: str, value: Any) -> Any:
        kinds = tuple(kind for kind in self.kinds if kind not in _SEQUENCES)
        return self._single(name, value, kinds) if kinds else self._in_range(name, value)

    def _single(self, name: str, value: Any, kinds: tuple[type, ...]) -> Any:
        if date in kinds:
            # at run time: numpy is heavy, and only a parameter that is a day needs it
            return str(import_module("lib.days").as_day(value, name, ParameterError))
        if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
            value = value.item()
        if type(value) is int and float in kinds and int not in kinds:
            value = float(value)
        if not any(_is_a(value, kind) for kind in kinds):
            got = f"{name} = {value!r} ({type(value).__name__})"
            raise ParameterError(f"{got}: expected {self.expected()}{_hint(value, kinds)}")
        return self._in_range(name, value)

    def _in_range(self, name: str, value: Any) -> Any:
        if self.choices is not None and value not in self.choices:
            suggestion = closest(value, map(str, self.choices)) if isinstance(value, str) else ""
            raise ParameterError(f"{name} = {value!r}: expected {self.expected()}{suggestion}")
        if _is_a(value, int) or _is_a(value, float):
            low = -math.inf if self.low is None else self.low
            high = math.inf if self.high is None else self.high
            if not (math.isfinite(value) and low <= value <= high):
                raise ParameterError(f"{name} = {value!r}: expected {self.expected()}")
        return value

    def expected(self) -> str:
        """What the parameter may be, in words.

        >>> Parameter(float, 0.5, low=0, high=1).expected()
        'a float from 0 to 1'
        """
        if self.choices is not None:
            text = "one of " + ", ".join(map(repr, self.choices))
        else:
            text = " or ".join(_article(kind) for kind in self.kinds)
        return text + self._range() + (" or None" if self.optional else "")

    def _range(self) -> str:
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            return f" of at least {self.low}"
        return f" from {self.low} to {self.high}" if self.low is not None else f" of at most {self.high}"


def check_parameters(namespace: Mapping[str, Any], schema: Mapping[str, Parameter]) -> dict[str, Any]:
    """The validated values of the parameters in `schema`, taken from `namespace`, defaults where absent.

    namespace: a notebook's ``globals()``, or a dict of values. Names that start with an underscore, modules,
               functions, classes and other objects that papermill cannot inject are passed over.
    schema:    the declared parameters by name. (`lib.check_parameters` takes the name of a study as well.)

    Raises ParameterError, one line that lists everything that is wrong.

    >>> check_parameters({"seeds": 2}, {"seeds": Parameter(int, 1, low=1), "scale": Parameter(str, "laptop")})
    {'seeds': 2, 'scale': 'laptop'}
    """
    given = {name: value for name, value in _given(namespace).items() if value is not schema}
    problems = list(unknown_names(given, schema))
    values = {}
    for name, parameter in schema.items():
        try:
            values[name] = parameter.check(name, namespace[name]) if name in namespace else parameter.default
        except ParameterError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError("; ".join(problems))
    return values


def unknown_names(given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """One message for each name in `given` that is not in `known`."""
    for name in given:
        if name not in known:
            yield f"unknown parameter {name!r}{closest(name, known) or '; parameters: ' + ', '.join(known)}"


def _given(namespace: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in namespace.items()
        if type(value) in _PLAIN and not name.startswith("_") and name not in _OF_IPYTHON
    }


def _is_a(value: Any, kind: type) -> bool:
    """isinstance, except that True is not a number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _article(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}"


def _hint(value: Any, kinds: tuple[type, ...]) -> str:
    """A number that came as text: what to do about it."""
    numeric = isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit()
    return "; give it as a number (papermill: -p, not -r)" if numeric and {int, float} & set(kinds) else ""
