"""Parameters: what is refused, and that the one line says why."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from lib import check_parameters
from lib.errors import ParameterError, UnknownNameError
from lib.parameters import Parameter

SCHEMA = {
    "scale": Parameter(str, "laptop", choices=("smoke", "laptop", "paper")),
    "seeds": Parameter((int, list), 1, low=0),
    "buffer": Parameter(float, 2.0, low=1, high=10),
    "masked": Parameter(bool, True),
    "data_path": Parameter(str, None, optional=True),
}


def message(values: dict[str, object]) -> str:
    with pytest.raises(ParameterError) as caught:
        check_parameters(values, SCHEMA)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_defaults_are_used_where_nothing_is_given() -> None:
    assert check_parameters({}, SCHEMA) == {name: parameter.default for name, parameter in SCHEMA.items()}


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("scale", "smoke", "smoke"),
        ("seeds", 0, 0),
        ("seeds", [3, 1], [3, 1]),
        ("buffer", 3, 3.0),
        ("masked", False, False),
        ("data_path", "", None),
        ("data_path", None, None),
        ("data_path", "prices.csv", "prices.csv"),
    ],
)
def test_accepted(name: str, value: object, result: object) -> None:
    checked = check_parameters({name: value}, SCHEMA)[name]
    assert checked == result
    assert type(checked) is type(result)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seeds", True, ["seeds = True (bool)", "expected an int or a list"]),
        ("seeds", "4", ["seeds = '4' (str)", "-p, not -r"]),
        ("seeds", 4.0, ["seeds = 4.0 (float)"]),
        ("seeds", -1, ["at least 0"]),
        ("seeds", [0, -1], ["seeds[1] = -1"]),
        ("seeds", [0, True], ["seeds[1] = True"]),
        ("seeds", ["0"], ["seeds[0] = '0'"]),
        ("seeds", None, ["seeds = None"]),
        ("buffer", 0.5, ["from 1 to 10"]),
        ("buffer", 11, ["from 1 to 10"]),
        ("buffer", math.nan, ["buffer = nan"]),
        ("buffer", "2", ["buffer = '2'"]),
        ("masked", 1, ["masked = 1 (int)", "expected a bool"]),
        ("masked", "yes", ["expected a bool"]),
        ("scale", "smok", ["did you mean 'smoke'?"]),
        ("scale", 3, ["scale = 3"]),
        ("data_path", 7, ["expected a str or None"]),
    ],
)
def test_refused(name: str, value: object, words: list[str]) -> None:
    text = message({name: value})
    for word in words:
        assert word in text


def test_an_infinite_number_is_refused_without_declared_limits() -> None:
    with pytest.raises(ParameterError, match="x = inf"):
        check_parameters({"x": math.inf}, {"x": Parameter(float, 0.0)})


def test_unknown_name_suggests_the_closest() -> None:
    assert "unknown parameter 'sedes'; did you mean 'seeds'" in message({"sedes": 3})


def test_unknown_name_without_a_close_one_lists_them_all() -> None:
    assert "scale, seeds, buffer, masked, data_path" in message({"zzz": 3})


def test_everything_wrong_is_told_at_once() -> None:
    text = message({"sedes": 3, "buffer": 0.0, "scale": "huge"})
    assert "sedes" in text and "buffer" in text and "huge" in text


def test_what_else_lives_in_a_notebook_is_passed_over() -> None:
    namespace = {
        "In": ["seeds = 2"], "Out": {}, "_": 3, "__name__": "__main__", "exit": lambda: None,
        "module": types, "annotations": types.SimpleNamespace(), "Parameter": Parameter, "seeds": 2,
        "schema": SCHEMA,
    }  # fmt: skip
    assert check_parameters(namespace, SCHEMA)["seeds"] == 2


def test_a_study_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="no_such_study"):
        check_parameters({}, "no_such_study")


def test_for_a_study_only_what_is_given_is_returned() -> None:
    """None leaves a parameter to the scale, also where the study itself does not allow None."""
    given = {"scale": "smoke", "n_stocks": None, "n_days": 90, "data_path": None}
    assert check_parameters(given, "limit_events") == {"scale": "smoke", "n_days": 90}
    with pytest.raises(ParameterError, match="unknown parameter 'n_dayz'"):
        check_parameters({"n_dayz": 3}, "limit_events")


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [(int, np.int64(3), 3), (float, np.float32(0.5), 0.5), (float, np.int32(2), 2.0), (bool, np.bool_(True), True)],
)
def test_a_number_of_numpy_is_a_number(kind: type, given: object, value: object) -> None:
    found = Parameter(kind, None).check("x", given)
    assert found == value and type(found) is kind
    with pytest.raises(ParameterError, match=r"x = .*ndarray\): expected"):
        Parameter(kind, None).check("x", np.array([given]))
