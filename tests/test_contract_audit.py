"""The study and the page of the contract audit: with mlquantx, without it, and with its recorded rows."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.audit import hostile_panel, unmasked_panel
from lib.audit.subjects import (
    DEFINED_OTHERWISE,
    PEER_VERSION,
    ewma_of_a_constant,
    lacking_peer,
    our_ewma,
    ours,
    peer,
    peer_driver,
    peer_panel,
)  # fmt: skip
from lib.errors import LibError
from lib.factors import factor_names
from lib.paper.pages.style import title_of
from lib.studies import run_study
from lib.studies.contract_audit import STUDY
from lib.studies.contract_audit.figures import contract_matrix
from lib.studies.contract_audit.findings import (  # fmt: skip
    DRIVER,
    FAMILIES,
    OURS,
    OURS_101,
    PRIMITIVES,
    RULES,
    THEIRS,
    VALUES,
    ContractAudit,
    factor_table,
    kinds_table,
    poison_table,
)
from lib.studies.contract_audit.measure import SUBJECTS
from lib.studies.contract_audit.tables import AuditView

ROOT = Path(__file__).parents[1]
needs_peer = pytest.mark.skipif(bool(lacking_peer()), reason=lacking_peer())
SIZES = {family: len(factor_names(family)) for family in FAMILIES}
#: counts that differ from each other, so that a mix-up shows
MADE_UP = {OURS: 0, OURS_101: 0, THEIRS: 3, DRIVER: 2, PRIMITIVES: 1}


def made_up(with_peer: bool = True) -> pd.DataFrame:
    """A frame as the study makes it: every subject breaks every rule as often as MADE_UP says."""
    rows = []
    for variant, n in MADE_UP.items():
        if variant in (OURS, OURS_101) or with_peer:
            metrics = {"audited": 18 if variant == PRIMITIVES else 213, "keeps every rule": 213 - n}
            metrics |= dict.fromkeys(RULES, n)
            metrics |= {f"family {family}: {kind}": min(n, 1) for family in FAMILIES for kind in RULES}
            metrics |= {f"independence, {under}": n for under in ("price", "1e30", "inf", "NaN")}
            metrics |= {"ewma of ones: first day": 0.1, "ewma of ones: step over a masked day": -0.09}
            rows += [(variant, metric, value) for metric, value in metrics.items()]
    if with_peer:
        for end, value in (("", 0.25), (".panel", 1), (".day", 12), (".stock", 4)):
            rows.append((THEIRS, f"alpha_002: independence{end}", value))
        for name, share in (("alpha_001", 0.1), ("alpha_002", 1.0), ("alpha_001, by their formula", 0.99)):
            shares = ("agreement", "correlation", "valid in one only")
            rows += [(VALUES, f"{name}: {metric}", share) for metric in shares]
    return pd.DataFrame(rows, columns=["variant", "metric", "value"]).assign(study="contract_audit", seed=0, n=1)


# ------------------------------------------------------------------ what the page says


def test_the_tables_show_each_subject_and_rule():
    table = kinds_table(made_up()).set_index("rule")
    assert list(table.columns) == list(MADE_UP) and list(table.index) == [*RULES, "keeps every rule"]
    assert table.loc["look-ahead"].tolist() == list(MADE_UP.values())
    poisons = poison_table(made_up()).set_index("masked cells hold")
    assert poisons.loc["infinity", f"independence, {THEIRS}"] == 3
    (row,) = factor_table(made_up()).to_dict("records")
    assert (row["factor"], row["independence"]) == ("alpha_002", 0.25)
    assert row["example"] == "independence: panel 1, day 12, stock 4"


def test_the_sentences_follow_the_numbers():
    audit = ContractAudit.of(made_up())
    assert audit.message().startswith("All 213 factors") and audit.message().endswith("210 do")
    assert "1 of 2 factors agree" in audit.first_what_agrees()[0]
    breaks = audit.then_what_breaks()
    assert [line.partition(".")[0].lower() for line in breaks] == [*RULES, "moving averages"]
    assert all("3 of 213 factors" in line for line in breaks[:-1])
    assert audit.on_purpose().startswith("alpha_001 (10% of cells agree, 99%")


def test_without_mlquantx_nothing_is_said_about_it():
    audit = ContractAudit.of(made_up(with_peer=False))
    said = [audit.message(), audit.driver_message(), *audit.first_what_agrees(), *audit.then_what_breaks()]
    assert "mlquantx" not in " ".join(said)
    assert audit.agreement().empty and factor_table(made_up(with_peer=False)).empty
    figure = contract_matrix(made_up(with_peer=False), SIZES)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["this book"]


def test_the_figure_shows_both():
    figure = contract_matrix(made_up(), SIZES, "note")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["this book", THEIRS]
    assert title_of(figure) == ContractAudit.of(made_up()).message()
    numbers = [text.get_text() for text in figure.axes[1].texts]
    assert numbers == ["1"] * len(FAMILIES) * len(RULES)


class Frames:
    """Stands for a result or a recording that has a frame."""

    def __init__(self, frame):
        self.frame = frame


@pytest.mark.parametrize(
    ("own", "recorded", "source"), [(True, True, "this build"), (False, True, "recorded"), (False, False, "")]
)
def test_recorded_rows_fill_in_for_a_package_that_is_not_installed(own, recorded, source):
    stale = made_up().assign(value=99.0)
    view = AuditView.of(Frames(made_up(own)), Frames(stale if recorded else stale.iloc[:0]))
    assert view.source == source
    values = view.frame.set_index(["variant", "metric"])["value"]
    assert values[OURS, "independence"] == 0
    if source:
        assert values[THEIRS, "independence"] == (3 if source == "this build" else 99)


# ------------------------------------------------------------------ the study


@pytest.fixture(scope="module")
def result():
    return run_study("contract_audit", scale="smoke", panels=1, fresh=True, jobs=1)


def test_our_rows_find_nothing(result):
    frame = result.frame
    for variant in (OURS, OURS_101):
        values = frame[frame["variant"] == variant].set_index("metric")["value"]
        assert values["audited"] == values["keeps every rule"] == (213 if variant == OURS else 101)
        assert all(values[kind] == 0 == values[f"{kind}: not checked"] for kind in RULES)
    assert values.filter(like="family").sum() == 0


def test_rows_that_need_a_missing_package_are_left_out(monkeypatch):
    monkeypatch.setattr("lib.audit.subjects.peer_version", lambda: None)
    rows = STUDY.rows(STUDY.settings("smoke"))
    assert [row["variant"] for row in rows] == [OURS, OURS_101]
    assert f"need mlquantx {PEER_VERSION}" in lacking_peer()
    with pytest.raises(LibError, match=r"need mlquantx .*pip install"):
        peer(["alpha_002"])
    monkeypatch.setattr("lib.audit.subjects.peer_version", lambda: PEER_VERSION)
    assert len(STUDY.rows(STUDY.settings("smoke"))) == len(SUBJECTS) + 1


def test_the_extra_pins_the_audited_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"mlquantx=={PEER_VERSION}" in project["optional-dependencies"]["peer"]
    assert THEIRS == SUBJECTS["peer"].variant == f"mlquantx {PEER_VERSION}"


def test_our_moving_average_of_ones_is_one():
    assert ewma_of_a_constant(our_ewma) == (1.0, 0.0)


# ------------------------------------------------------------------ with mlquantx


@needs_peer
def test_mlquantx_gets_our_fields_and_mask():
    panel = hostile_panel(np.random.default_rng(0))
    theirs = peer_panel(panel)
    assert np.array_equal(theirs.mask.numpy(), panel.mask)
    assert np.array_equal(theirs.close.numpy(), panel.fields["close"].astype(np.float32))


@needs_peer
def test_simple_factors_agree_where_nothing_is_masked():
    panel, names = unmasked_panel(np.random.default_rng(0), 10, 60), ["original_004", "original_021", "alpha_012"]
    mine, theirs = ours(names)(panel), peer(names)(panel)
    for name in names:
        valid = mine[name][1]
        assert valid.any() and np.array_equal(valid, theirs[name][1])
        np.testing.assert_allclose(mine[name][0][valid], theirs[name][0][valid], rtol=1e-4, atol=1e-5)


@needs_peer
def test_the_driver_returns_one_mask_and_zeros_outside_it():
    names = ["original_004", "original_021"]
    found = peer_driver(names)(hostile_panel(np.random.default_rng(0)))
    assert np.array_equal(found[names[0]][1], found[names[1]][1])
    assert all((values[~valid] == 0).all() and valid.any() for values, valid in found.values())


@needs_peer
def test_the_factors_defined_otherwise_are_theirs(result):
    audit = ContractAudit.of(result.frame)
    for name in DEFINED_OTHERWISE:
        shares = [audit.numbers.find(VALUES, f"{name}{by}: agreement").value for by in ("", ", by their formula")]
        assert shares[0] < 0.5 < 0.98 < shares[1]
