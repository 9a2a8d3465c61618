"""The study and the page of the contract audit: with mlquantx, without it, and with its recorded rows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace

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
from lib.factors.registry import FAMILIES
from lib.studies import recorded, run_study
from lib.studies.contract_audit import STUDY, page
from lib.studies.contract_audit.measure import SUBJECTS
from lib.studies.contract_audit.page import (
    DRIVER,
    OURS,
    OURS_101,
    PRIMITIVES,
    RULES,
    THEIRS,
    VALUES,
    ContractAudit,
    by_family,
    factor_table,
    findings,
    kinds_table,
    poison_table,
)

ROOT = Path(__file__).parents[2]
needs_peer = pytest.mark.skipif(bool(lacking_peer()), reason=lacking_peer())
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


def shown_as(frame: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(rows=frame, name="recorded", evidence=True, no_answer=str, setting=lambda name: 25)


def test_the_tables_show_each_subject_and_rule():
    table = kinds_table(made_up()).set_index("rule")
    assert list(table.columns) == list(MADE_UP)
    assert list(table.index) == [*RULES, "keeps every rule", "factors audited"]
    assert table.loc["look-ahead"].tolist() == list(MADE_UP.values())
    poisons = poison_table(made_up()).set_index("masked cells hold")
    assert poisons.loc["infinity", f"independence, {THEIRS}"] == 3
    (row,) = factor_table(made_up()).to_dict("records")
    assert (row["factor"], row["independence"]) == ("alpha_002", 0.25)
    assert row["example"] == "independence: panel 1, day 12, stock 4"


def test_an_empty_cell_says_why_it_is_empty():
    assert "not asked" in page.poisons(shown_as(made_up())).data
    factors = page.factors(shown_as(made_up())).data
    assert "25.0%" in factors and "look-ahead" not in factors.partition("</thead>")[0], "no factor breaks it"
    more = [(THEIRS, f"old_001: propagation{end}", 0.5) for end in ("", ".panel", ".day", ".stock")]
    frame = pd.concat([made_up(), pd.DataFrame(more, columns=["variant", "metric", "value"])])
    assert page.factors(shown_as(frame)).data.count("keeps it") == 2


def test_the_head_has_no_raw_markdown_and_says_what_the_numbers_rest_on():
    text = page.head(shown_as(made_up())).data
    assert "`" not in text and "25 random panels" in text and "not installed" not in text
    assert "extra &#x27;peer&#x27;" in page.head(shown_as(made_up(with_peer=False))).data


def test_without_mlquantx_nothing_is_said_about_it():
    alone = made_up(with_peer=False)
    assert [finding.text for finding in findings(alone)] == [
        "All 213 factors of this book keep every rule of the contract."
    ]
    assert ContractAudit.of(alone).agreement().empty and factor_table(alone).empty
    assert "sd-tab" not in page.families(shown_as(alone)).data
    for part in (page.factors, page.values):
        assert "nothing to compare with" in part(shown_as(alone)).data


def test_both_are_drawn_with_shares_of_their_families():
    text = page.families(shown_as(made_up())).data
    assert all(name in text for name in (page.NAMES[THEIRS], page.NAMES[DRIVER], page.NAMES[OURS]))
    share = by_family(made_up(), THEIRS)
    assert list(share.index) == list(FAMILIES) and list(share.columns) == list(RULES)
    assert share.loc["best", "propagation"] == 1 / len(factor_names("best"))


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return recorded("contract_audit").frame


def test_every_finding_holds_on_the_recorded_rows(real):
    assert len(findings(real)) == 6
    for finding in findings(real):
        assert finding.holds, finding.text


#: the finding, the variant and metric that carries it, and a value that turns it round
TURNED = (
    (1, THEIRS, "keeps every rule", 213),
    (2, THEIRS, "independence", 0),
    (3, DRIVER, "independence", 0),
    (3, DRIVER, "zero-on-mask", 213),
    (4, THEIRS, "look-ahead", 1),
    (5, THEIRS, "propagation", 0),
)


@pytest.mark.parametrize(("place", "variant", "metric", "value"), TURNED)
def test_a_finding_that_is_turned_round_does_not_hold(real, place, variant, metric, value):
    hit = (real["variant"] == variant) & (real["metric"] == metric)
    assert hit.any()
    assert not findings(real.assign(value=real["value"].mask(hit, value)))[place].holds


def test_a_factor_of_this_book_that_breaks_a_rule_is_said(real):
    hit = (real["variant"] == OURS) & (real["metric"] == "keeps every rule")
    assert findings(real.assign(value=real["value"].mask(hit, 212)))[0].text.startswith("212 of 213 factors")


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
