"""Tables of the study of the optimiser, for its page and for `python -m lib bench`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lib.stats.estimates import Numbers
from lib.studies.solver.forms import PARTS
from lib.studies.solver.measure import EXACT, FORM, MODES

FORM_WORDS = {"dense": "matrix", "factor": "factors", "package": "the authors' class", "ours": "the exact method"}
SOLVER_WORDS = {"SCS": "SCS", "OSQP": "OSQP", "CLARABEL": "Clarabel", "PIQP": "PIQP", "alone": ""}


def words(form: str, solver: str) -> str:
    """A form in words.

    >>> words("dense", "SCS"), words("ours", "alone")
    ('matrix, SCS', 'the exact method')
    """
    return ", ".join(part for part in (FORM_WORDS[form], SOLVER_WORDS[solver]) if part)


def found_in(frame: pd.DataFrame) -> tuple[Numbers, dict[str, str]]:
    """The numbers, and the variants of forms that were measured with their words."""
    numbers = Numbers(frame)
    parts = {variant: FORM.parts(variant) for variant in numbers.variants}
    return numbers, {variant: words(**item) for variant, item in parts.items() if item}


def parts_table(frame: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Forms down, milliseconds of each part across, with how far the answers are off."""
    numbers, forms = found_in(frame)
    rows = []
    for variant, label in forms.items():
        row: dict[str, Any] = {"form": label}
        for part in (*PARTS, "cpu"):
            row |= numbers.find(variant, f"{mode}: {part}").times(1e3).columns(f"{part}, ms")
        row |= numbers.find(variant, f"{mode}: times ours").columns("times ours")
        rows.append(row | {what: numbers.find(variant, f"{mode}: {what}").value for what in ("deficit", "excess")})
    return pd.DataFrame(rows)


def exact_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Books and sizes down: times of a day with the covariance, certificates, and what Clarabel finds."""
    numbers, _ = found_in(frame)
    rows = []
    for variant in numbers.variants:
        if own := EXACT.parts(variant):
            row: dict[str, Any] = dict(own)
            for name in ("cpu", "covariance"):
                row |= numbers.find(variant, name).times(1e3).columns(f"{name}, ms")
            row["largest, ms"] = 1e3 * numbers.find(variant, "largest cpu").value
            row |= {name: numbers.find(variant, name).value for name in (
                "iterations", "largest gap", "largest excess", "Clarabel short of ours", "total cpu")}  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Forms down: CPU milliseconds cold and warm, their ratio, and times ours."""
    numbers, forms = found_in(frame)
    rows = [
        {"form": label, "cold, ms": 1e3 * numbers.find(variant, "cold: cpu").value,
         "warm, ms": 1e3 * numbers.find(variant, "warm: cpu").value,
         "cold / warm": numbers.find(variant, "cold / warm").value,
         "warm, times ours": numbers.find(variant, "warm: times ours").value}
        for variant, label in forms.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["form", "cold, ms", "warm, ms", "cold / warm", "warm, times ours"])


def report(frame: pd.DataFrame) -> str:
    """All tables as text."""
    numbers, _ = found_in(frame)
    found = {mode: parts_table(frame, mode) for mode in MODES} | {"exact": exact_table(frame)}
    plain = [rows[[name for name in rows if not str(name).endswith((".low", ".high"))]] for rows in found.values()]
    shown = [rows.to_string(index=False, na_rep="-", float_format="{:.3g}".format) for rows in plain]
    ratio = numbers.find("covariance", "times ours").value
    heads = [f"{mode} days, milliseconds; objective short by and limit broken by at worst" for mode in MODES]
    heads.append("the exact method, milliseconds with the covariance")
    parts = [f"{head}\n{text}" for head, text in zip(heads, shown, strict=True)]
    return "\n\n".join([*parts, f"covariance of Ledoit and Wolf: scikit-learn takes {ratio:.0f} times ours"])
