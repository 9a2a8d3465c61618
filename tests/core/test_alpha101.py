"""Kakushadze's 101: names, windows and values against the second evaluator."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from formula import evaluate_text
from overlay import masked_fields, rebuilt, rough_panel

from lib.errors import UnknownNameError
from lib.factors import compute_factors, factor_names, find_factors
from lib.panel import Panel

with open(Path(__file__).parents[1] / "reference" / "alpha101.csv", newline="") as file:
    SPEC = {row["name"]: row for row in csv.DictReader(file)}
CLASSES = np.array(["C26", "C39", "J66", "K70", "I65"])


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Long enough for windows of a year, with market values and industries of which two share a sector."""
    raw = rough_panel(40, 420)
    fields = dict(raw.fields)
    fields["cap"] = fields["close"] * np.linspace(1e8, 9e9, raw.shape[1])
    fields["industry"] = np.broadcast_to(CLASSES[np.arange(raw.shape[1]) % len(CLASSES)], raw.shape).copy()
    return rebuilt(raw, fields)


def test_there_are_101_beside_the_213():
    assert factor_names("alpha101") == list(SPEC) and len(SPEC) == 101
    assert not set(SPEC) & set(factor_names())


@pytest.mark.parametrize("name", SPEC)
def test_the_derived_window_is_the_specifications(name):
    assert find_factors([name])[0].window == float(SPEC[name]["window"])


def test_the_formulas_equal_the_second_evaluator(panel):
    """At least 98 % of a formula's cells within 1e-4 of its own scale, and masks equal."""
    found = compute_factors(panel, list(SPEC))
    fields = masked_fields(panel)
    classes = panel.fields["industry"]
    for name, labels in (("sector", classes.astype("U1")), ("industry", classes), ("subindustry", classes)):
        codes = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(float)
        fields[name] = np.where(panel.mask, codes, np.nan)
    fields["cap"] = np.where(panel.mask, panel.fields["cap"], np.nan)
    wrong, empty = {}, set()
    for k, name in enumerate(SPEC):
        expected = evaluate_text(SPEC[name]["formula"], fields, panel.universe)
        known = np.isfinite(expected)
        if not np.array_equal(known, found.valid[..., k]):
            wrong[name] = f"{int((known != found.valid[..., k]).sum())} cells masked differently"
            continue
        if not known.any():
            empty.add(name)
            continue
        ours, theirs = found.values[..., k][known], expected[known]
        scale = np.median(np.abs(theirs - np.median(theirs))) or theirs.std()
        resolution = np.finfo(np.float32).eps * np.abs(theirs)  # results are float32, and number 84 has heavy tails
        agree = float((np.abs(ours - theirs) <= np.maximum(1e-4 * scale, resolution)).mean())
        if agree < 0.98:
            wrong[name] = f"{agree:.2%} of {len(theirs)} cells agree"
    assert not wrong
    assert len(empty) <= 5, f"nothing was compared for {sorted(empty)}"


def test_a_formula_names_the_field_it_lacks(panel):
    fields = {name: values for name, values in panel.fields.items() if name not in ("cap", "float_mkt_cap")}
    with pytest.raises(UnknownNameError, match="lacks cap, which factor 'alpha101_056' needs"):
        compute_factors(rebuilt(panel, fields), ["alpha101_056"])
