"""One change at a time: what an arm changes, that the base is the papers' MLP, verdicts, sentences, pages."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from figure_checks import check
from results import around, scaled_markets, tidy

from lib import run_study
from lib.models.dataset import Dataset
from lib.models.fits import NETWORK, mlp
from lib.models.neural import neural
from lib.models.splits import Split
from lib.paper.pages.result import PageResult
from lib.stats.estimates import Estimate
from lib.studies import recorded
from lib.studies.architectures import STUDY, page
from lib.studies.architectures.measure import ARMS, BASES, GAP, LEVEL, MARGIN, PROTOCOL, SLOW
from lib.studies.architectures.page import BEYOND, INSIDE, OPEN, findings, gaps_table, judged


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    few = {"n_stocks": 45, "n_days": 520, "epochs": 1, "arms": ["depth 1"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.evaluation.simulated.CORE", ("alpha_001", "alpha_101", "better_001", "stock_006"))
        cache = tmp_path_factory.mktemp("cache")
        yield run_study("architectures", scale="smoke", seeds=1, jobs=1, cache=cache, **few)


def samples() -> Dataset:
    rng = np.random.default_rng(0)
    day, stock = np.nonzero(rng.random((60, 20)) < 0.9)
    features = rng.normal(size=(len(day), 4)).astype(np.float32)
    return Dataset(features, 0.02 * (features[:, 0] + rng.normal(size=len(day))), day, stock, (60, 20))


def test_the_base_is_the_papers_mlp_by_the_papers_protocol():
    """Another description of the same network, the same initial weights, the same training: the same predictions."""
    data, split = samples(), Split(0, 40, 42, 50, 52, 60)
    network, settings = BASES["MLP"]
    ours = neural(data, 3, network=network, epochs=3, **settings)(split)(data.features)
    assert ours == pytest.approx(mlp(data, 3, epochs=3)(split)(data.features), rel=1e-6)
    assert {name: settings[name] for name in NETWORK} == dict(NETWORK)


def test_an_arm_changes_one_thing_that_its_network_or_the_protocol_has():
    base = BASES["MLP"][1]
    for name, arm in ARMS.items():
        if name in BASES:
            assert arm.base == name and not arm.changes
            continue
        changed = {key for key, value in arm.changes.items() if {**BASES[arm.base][1]}.get(key) != value}
        moved = arm.window != ARMS[arm.base].window
        assert changed == set(arm.changes) and len(changed) + moved == (2 if name == "depth 4, skips" else 1), name
        if arm.topic == PROTOCOL:
            assert set(arm.changes) <= {"learning_rate", "weight_decay", "clip_norm", "batch", "patience"}
        if arm.base == "MLP":
            assert set(arm.changes) <= {*base, "schedule"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ARMS))
def test_every_arm_can_be_fitted(name):
    from lib.models.windows import windowed

    data, arm = samples(), ARMS[name]
    network, own = BASES[arm.base]
    seen = windowed(data, arm.window) if arm.base == "time Transformer" else data
    fitted = neural(seen, 0, network=network, epochs=1, **{**own, **arm.changes})(Split(0, 40, 42, 50, 52, 60))
    assert np.isfinite(fitted(seen.features[:5])).all()


def test_the_transformers_run_on_the_first_markets_of_one_world():
    rows = STUDY.rows(STUDY.settings("paper"))
    slow = [row for row in rows if row["base"] in SLOW]
    assert {(row["world"], row["seed"]) for row in slow} == {("interaction", seed) for seed in range(5)}
    quick = {(row["world"], row["seed"]) for row in rows if row["base"] not in SLOW}
    assert quick == {(world, seed) for world in ("linear", "interaction") for seed in range(10)}
    assert {row["arm"] for row in rows} == set(ARMS)
    smoke = STUDY.rows(STUDY.settings("smoke"))
    assert {row["arm"] for row in smoke} == {"MLP", "depth 1", "learning rate / 3"}, "a base is added to its arms"


def test_a_row_counts_its_own_arm_and_base_only():
    code, own = STUDY.code(), STUDY.row_settings(STUDY.settings("paper"))
    for row in STUDY.rows(STUDY.settings("paper", seeds=1)):
        found = code.entries([row], own)
        assert found["arm"] == {row["arm"]} and found["base"] == {row["base"]}
        assert found["networks"] - {"mlp"} == {row["network"]}  # the default of `neural`


def test_a_difference_is_paired_on_its_market(result):
    of = {(row.variant, row.metric): row.value for row in result.frame.itertuples()}
    levels = [LEVEL.name(arm=arm, world="linear") for arm in ("depth 1", "MLP")]
    name = GAP.name(arm="depth 1", base="MLP", world="linear")
    for metric in ("truth_ic", "executed_open.active_sharpe_gross"):
        assert of[name, metric] == pytest.approx(of[levels[0], metric] - of[levels[1], metric], abs=1e-6)
    assert not any(variant.startswith("MLP - ") for variant, _ in of)


# ------------------------------------------------------------------------ verdicts and sentences


def test_no_difference_is_an_interval_inside_the_margin():
    assert judged(Estimate(0.0, -MARGIN / 2, MARGIN / 2)) == INSIDE
    assert judged(Estimate(0.9 * MARGIN, 0.85 * MARGIN, 0.95 * MARGIN)) == INSIDE, "above zero, and still inside"
    assert judged(Estimate(0.0, -2 * MARGIN, 2 * MARGIN)) == OPEN, "no difference found is none shown"
    assert judged(Estimate(-2 * MARGIN, -3 * MARGIN, -1.5 * MARGIN)) == BEYOND
    assert judged(Estimate(0.0, math.nan, math.nan)) == OPEN


def made_up(gap: float, odd: float | None = None) -> pd.DataFrame:
    """Six markets in which every change moves the truth IC by `gap`, the learning rate / 3 by `odd`."""
    records: list[tuple[str, str, float]] = []
    for name, arm in ARMS.items():
        world = "interaction" if arm.base in SLOW else "linear"
        records += around(LEVEL.name(arm=name, world=world), "truth_ic", 0.2, 0.01)
        if name not in BASES:
            size = odd if odd is not None and name == "learning rate / 3" else gap
            records += around(GAP.name(arm=name, base=arm.base, world=world), "truth_ic", size, 0.001)
    return scaled_markets(tidy(records, "architectures"), 6)


def test_sentences_follow_the_intervals():
    calm = findings(made_up(MARGIN / 4))
    assert len(calm) == 3 and all("not very sensitive" in item.text for item in calm)
    wild = findings(made_up(3 * MARGIN))
    assert all("): sensitive. Of " in item.text and " 0 leave" in item.text for item in wild)
    protocol, *others = findings(made_up(MARGIN / 4, odd=-3 * MARGIN))
    assert "sensitive. Of 9 changes 8 leave" in protocol.text and ", of learning rate / 3, is" in protocol.text
    assert all("not very sensitive" in item.text for item in others)
    edge = findings(made_up(MARGIN / 1.025))  # the mean of six markets lies on the edge
    assert all("not decided" in item.text for item in edge)
    assert not findings(made_up(0.0)[:0])
    few = findings(made_up(MARGIN / 4).query("seed < 2 and not metric.str.endswith('.low')"))
    assert not any(item.complete for item in few), "two markets have no interval and decide nothing"


def test_tables_pages_and_figures(result):
    frame = made_up(0.004, odd=-0.02)
    table = gaps_table(frame, "linear").set_index("arm")
    assert table.loc["learning rate / 3", "verdict"] == BEYOND and table.loc["depth 1", "verdict"] == INSIDE
    assert len(gaps_table(frame, "interaction")) == 9
    shown = PageResult.of(result, recorded("architectures"))
    for draw in (page.head, page.differences, page.levels, page.every_gap):
        assert draw(shown).data
    check(lambda: page.gaps_figure(frame, "ways to build the MLP", "a note"))


def test_findings_hold_on_the_recorded_rows():
    found = recorded("architectures")
    if not found or found.stale:
        pytest.skip("nothing recorded by today's code")
    assert all(item.holds for item in findings(found.frame))
