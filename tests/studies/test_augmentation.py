"""Augmentation: what is appended to which days, equal steps of the control, what the page says of made-up numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from page_parts import parts, shown_of
from results import around, tidy

from lib.market import make_market
from lib.models.neural import neural
from lib.models.splits import walk_forward
from lib.panel import Panel
from lib.paper.results.study import check_records
from lib.stats.keys import unread
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies import recorded, run_study
from lib.studies.augmentation import STUDY, measure, page
from lib.studies.augmentation.measure import CONTRASTS, KEPT, PANELS, TREATMENTS
from lib.studies.augmentation.page import (
    BETWEEN,
    CHANGE,
    CLAIM_IDS,
    FILE_BETWEEN,
    FILE_CHANGE,
    FILE_LEVEL,
    FITTED,
    GAINS,
    GROSS,
    JUDGED,
    LARGER,
    LEVEL,
    LEVELS,
    PANEL,
    PAPERS,
    answer_claims,
    findings,
)

TINY = {"n_stocks": 40, "n_days": 620, "first_test_year": 2012, "sub_samples": 600, "samples": 0,
        "treatments": ["none", "twice", "stock_blocks", "stock_blocks_2"], "transformer_seeds": 0}  # fmt: skip
FACTORS = ("alpha_101", "stock_006", "old_029")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list]:
    """A small run, and of every fit its days to fit and to validate, as (features, label)."""
    fits = []

    def spy(sample, seed, **options):
        inner = neural(sample, seed, **options)

        def fit(split):
            fits.append((sample.training(split.fit_start, split.fit_stop),
                         sample.training(split.validation_start, split.validation_stop)))  # fmt: skip
            return inner(split)

        return fit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "neural", spy)
        result = run_study("augmentation", scale="smoke", cache=tmp_path_factory.mktemp("cache"), jobs=1, **TINY)
    return result.frame, fits


# ------------------------------------------------------------------------------------------ what is fitted


def test_panels_follow_the_real_sample_and_the_validation_is_real_and_the_same(run):
    assert len(run[1]) == 8
    for fits in (run[1][:4], run[1][4:]):  # all days, and fewer of them
        (none, held), *others = fits
        for (features, label), (held_features, held_label) in others:
            assert np.array_equal(held_label, held[1]) and np.array_equal(held_features, held[0])
            assert np.array_equal(label[: len(none[1])], none[1]) and np.array_equal(features[: len(none[1])], none[0])
        twice, one, two = (label for (_, label), _ in others)
        assert np.array_equal(twice[len(none[1]) :], none[1])
        for count, label in ((1, one), (2, two)):
            more = len(label) - len(none[1])
            assert 0.8 * count * len(none[1]) < more <= count * len(none[1]), "cut to the size of the real sample"
            assert not np.isin(label[len(none[1]) :], none[1]).any(), "not the real ones again"
        assert np.array_equal(two[: len(one)], one), "the first panel is the same"


def test_the_control_makes_as_many_steps_as_one_panel(run):
    frame = run[0]
    for learner in ("mlp", "mlp_small"):
        steps = {name: float(frame.query(f"variant == '{name} {learner}' and metric == 'steps'")["value"].iloc[0])
                 for name in ("none", "twice", "stock_blocks")}  # fmt: skip
        assert steps["none"] < steps["twice"] and abs(steps["twice"] - steps["stock_blocks"]) <= 1


def test_every_row_is_of_a_known_kind_and_has_its_numbers(run):
    frame = run[0]
    keys = {"level": LEVEL, "change": CHANGE, "between": BETWEEN, "panel": PANEL}
    assert unread(frame["variant"].unique(), keys) == {}
    there = {variant: set(part["metric"]) for variant, part in frame.groupby("variant")}
    assert set(LEVELS) <= there["none mlp"]
    assert {"truth_ic", "m1_ic", GROSS, PAPERS, "ic_gap"} <= there["twice - none mlp"]
    assert all({*KEPT[:7], "ridge_ic"} <= there[f"panel {name}"] for name in PANELS)
    none, one = (dict(zip(part["metric"], part["value"], strict=True)) for part in
                 (frame[frame["variant"] == f"{name} mlp"] for name in ("none", "stock_blocks")))  # fmt: skip
    change = dict(frame[frame["variant"] == "stock_blocks - none mlp"][["metric", "value"]].to_numpy())
    assert change["ic_gap"] == pytest.approx(one["ic_gap"] - none["ic_gap"])
    assert change["truth_ic"] == pytest.approx(one["truth_ic"] - none["truth_ic"], abs=1e-9)
    assert none["ic_gap"] == pytest.approx(none["train_ic"] - none["test_ic"])


def later(panel: Panel, first: int) -> Panel:
    """The panel with another future, from a row on."""
    fields = {name: values.copy() for name, values in panel.fields.items()}
    rng = np.random.default_rng(0)
    for name in ("open", "high", "low", "close", "pre_close", "vwap", "limit_up", "limit_down"):
        fields[name][first:] *= 1 + 0.5 * rng.random()
    fields["volume"][first:] *= rng.uniform(0.1, 5.0, fields["volume"][first:].shape)
    return Panel.from_arrays(panel.dates, panel.symbols, fields, reasons=panel.reasons, market="cn")


@pytest.mark.parametrize("name", ["iid", "student", "row_blocks", "stock_blocks"])
def test_no_synthetic_sample_uses_a_day_after_the_end_of_the_fit(name):
    panel = make_market(30, 620, 2).panel
    real = measure._real(panel, next(walk_forward(panel.dates, first_test_year=2012, refit_every=100)), FACTORS)
    samples = [measure._samples(item.rows(0, real.split.fit_stop), TREATMENTS[name], 3, 1, FACTORS)
               for item in (panel, later(panel, real.split.fit_stop))]  # fmt: skip
    assert np.array_equal(samples[0].features, samples[1].features)
    assert np.array_equal(samples[0].label, samples[1].label, equal_nan=True)
    assert real.fit_days.shape[0] == real.split.fit_stop < real.split.validation_start


def test_the_grid_cuts_the_transformer_first():
    rows = STUDY.rows(STUDY.settings("paper"))
    seeds = {learner: {row["seed"] for row in rows if row.get("learner") == learner} for learner in measure.LEARNERS}
    assert [len(seeds[name]) for name in ("mlp", "mlp_small", "transformer")] == [40, 40, 8]
    assert {row["treatment"] for row in rows if row.get("learner") == "mlp"} == set(TREATMENTS)
    assert all(row["factors"] == "core" for row in rows)


def test_training_seeds_of_a_price_file_are_no_further_markets():
    plain = STUDY.rows(STUDY.settings("paper"))
    rows = STUDY.rows(STUDY.settings("paper", overrides={"data_path": "cn_csi300_pit.parquet"}))
    assert rows[: len(plain)] == plain
    of_file = rows[len(plain) :]
    count = {learner: sum(row["learner"] == learner for row in of_file) for learner in measure.LEARNERS}
    assert count == {"mlp": 25, "mlp_small": 25, "transformer": 10}
    assert {row["seed"] for row in of_file} == {0} and len({measure.by_market(row) for row in of_file}) == 1
    assert {row["training_seed"] for row in of_file} == set(range(5))
    assert all(FITTED.parts(row["variant"]) for row in of_file)


def test_training_seeds_of_a_price_file_are_averaged_and_paired(monkeypatch: pytest.MonkeyPatch):
    settings = STUDY.row_settings(STUDY.settings("smoke", overrides=TINY))
    rows = [row for row in STUDY.rows(STUDY.settings("smoke", overrides=TINY)) if row.get("learner") == "mlp"][:3]
    stage = measure._stage
    monkeypatch.setattr(measure, "_stage", lambda row, settings: (stage(row | {"seed": 0}, settings)[0], None))
    fits, place = [], {"place": "csi300 paper B"}
    for row, number in product(rows, range(2)):
        named = row | place | {"training_seed": number, "variant": f"{row['variant']} | {place['place']}, fit {number}"}
        fit = measure.compute(named, settings)
        fits.append((named, replace(fit, records=check_records(STUDY, named, fit))))  # as a contrast gets them
    assert not any(item["metric"].startswith("truth") for _, fit in fits for item in fit.records), "no truth here"
    found = pd.DataFrame(measure.contrast(fits, settings).records).set_index(["variant", "metric"])["value"]
    ics = [next(item["value"] for item in fit.records if item["metric"] == "test_ic") for _, fit in fits]
    assert ics[0] != ics[1], "another training seed"
    assert found["none mlp | csi300 paper B", "test_ic"] == pytest.approx(np.mean(ics[:2]))
    assert found["none mlp | csi300 paper B", "test_ic.training_sd"] == pytest.approx(np.std(ics[:2], ddof=1))
    gaps = [right - left for left, right in zip(ics[:2], ics[2:4], strict=True)]
    assert found["twice - none mlp | csi300 paper B", "test_ic"] == pytest.approx(np.mean(gaps))
    assert (
        unread(
            found.index.get_level_values(0).unique(),
            {"level": FILE_LEVEL, "change": FILE_CHANGE, "between": FILE_BETWEEN},
        )
        == {}
    )
    # another draw of the panel as well as of the network
    assert fits[4][1].arrays["prediction"].shape == fits[5][1].arrays["prediction"].shape


# ---------------------------------------------------------------------------------------------- the page


def frame(
    gain: float = 0.0, *, twice: float = 0.0, half: float = 0.002, seeds: int = 1, place: str = "", **more: float
) -> pd.DataFrame:
    """Every treatment changes the truth IC by `gain` and seeing the sample twice by `twice`; money by ten times that.

    more: the change of train_ic, test_ic, larger (what a panel does for the Transformer beyond the MLP), or ridge_iid,
    the IC of ridge on independent returns. place: of a price file, beside the markets.
    """
    lines, marks = [], ["", f" | {place}"] if place else [""]
    for seed in range(seeds):
        jitter, records = 0.0001 * seed, []
        for name in TREATMENTS:
            change = {"none": 0.0, "twice": twice}.get(name, gain)
            for learner in measure.LEARNERS:
                values = dict.fromkeys(LEVELS, 0.2 + change) | {"steps": 100.0, "samples": 5e4}
                for metric, value in values.items():
                    for mark in marks[: 2 if seed == 0 else 1]:
                        level = LEVEL.name(treatment=name, learner=learner) + mark
                        records += around(level, metric, value + jitter, half)
                if place and seed == 0:
                    fitted = FITTED.name(treatment=name, learner=learner, place=place, number=0)
                    records += around(fitted, "m1_ic", 0.2 + change, half)
        for left, right in CONTRASTS:
            change = (twice if left == "twice" else gain) - {"none": 0.0, "twice": twice}.get(right, gain)
            moved = {"train_ic": more.get("train_ic", -0.01), "test_ic": more.get("test_ic", 0.0)}
            moved["ic_gap"] = moved["train_ic"] - moved["test_ic"]
            values = {metric: change * (1 if "ic" in metric else 10) for metric in JUDGED} | moved
            for learner in measure.LEARNERS:
                name = CHANGE.name(left=left, right=right, learner=learner)
                for metric, value in values.items():
                    for mark in marks[: 2 if seed == 0 else 1]:
                        records += around(name + mark, metric, value + jitter, half)
        for metric in ("truth_ic", PAPERS):
            records += around(GAINS, metric, more.get("larger", 0.0) + jitter, half)
        for name in PANELS:
            rate, ic = (0.01, 0.03) if name == "market" else (0.001, 0.02)
            values = dict.fromkeys(KEPT, 0.1) | {f"limit-{side} closes, all": rate for side in ("up", "down")}
            values |= {"ridge_ic": more.get("ridge_iid", 0.0) if name in ("iid", "student") else ic}
            values |= {"ridge_train_ic": 0.05} if name == "market" else {}
            records += [(PANEL.name(panel=name), metric, value) for metric, value in values.items()]
        lines.append(tidy(records, "augmentation", seed))
    return pd.concat(lines)


def said(rows: pd.DataFrame) -> str:
    found = findings(rows)
    assert all(item.holds for item in found), [item.text for item in found if not item.holds]
    return "\n".join(item.text for item in found).replace("\N{MINUS SIGN}", "-")


def test_a_gain_is_told_from_more_steps():
    text = said(frame(0.01, twice=0.0, seeds=2))
    assert "lets the MLP predict better: its truth IC is 0.200 without it and 0.210 with it (+0.0100" in text
    assert "does more for the MLP than the real sample seen twice: the truth ICs differ by +0.0100" in text
    assert "Each of the three kinds of panel helps the MLP" in text and "raises the MLP's Sharpe ratio" in text
    text = said(frame(0.01, twice=0.02, seeds=2))
    assert "does less for the MLP than the real sample seen twice" in text and "without a panel, adds +0.0200" in text
    text = said(frame(0.01, twice=0.01, seeds=2))
    assert "do not measurably differ" in text and "third and fourth panel change nothing measurable" in text


def test_a_loss_and_nothing_are_said_too():
    text = said(frame(-0.01, seeds=2))
    assert "lets the MLP predict worse" in text and "Each of the three kinds of panel harms" in text
    assert "lets the Transformer predict worse" in text and "lowers the MLP's Sharpe ratio" in text
    text = said(frame(0.0, seeds=2))
    assert "does not measurably change how well the MLP predicts" in text
    assert "Whole rows are not shown to be best" in text
    assert "not shown that a panel does more for the Transformer" in text


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [(-0.02, 0.01, "and the test IC rises"), (-0.02, 0.0, "from the train IC alone"), (0.01, 0.0, "widens"),
     (0.0, 0.0, "does not measurably change the MLP's gap")],
)  # fmt: skip
def test_a_narrower_gap_is_no_merit_by_itself(train, test, words):
    assert words in said(frame(0.0, seeds=2, train_ic=train, test_ic=test))


def test_what_is_in_a_panel_and_who_gains_more():
    text = said(frame(seeds=2, larger=0.01))
    assert "hold less than a fifth of what is predictable, and blocks hold more" in text
    assert "does more for the Transformer than for the MLP on the same days, as the papers say" in text
    text = said(frame(seeds=2, larger=-0.01, ridge_iid=0.03))
    assert "depends on its kind" in text and "does less for the Transformer" in text
    assert "less than half as often as the market: 2.00% of closes" in text


def test_one_path_of_real_prices_is_said_apart():
    text = said(frame(0.01, twice=0.002, seeds=2, place="csi300 paper B"))
    assert "one path of three test years, a synthetic panel lets the MLP predict better" in text
    assert "on buyable cells changes by +0.0100 [" in text
    assert "panel is not shown to change how well the MLP" in said(frame(seeds=2, place="csi300 paper B"))
    assert "predict worse" in said(frame(-0.01, seeds=2, place="csi300 paper B")).split("On CSI 300")[1]


def test_without_the_numbers_nothing_is_said(run):
    found = findings(frame()[lambda rows: ~rows["variant"].str.contains("transformer|row_blocks")])
    assert sum(not item.complete for item in found) == 6
    assert all("Not in this run" in item.text for item in found if not item.complete)
    assert len(findings(run[0])) == 11


def test_markets_that_decide():
    assert "There are enough markets" in said(frame(0.0, seeds=3))  # they hardly differ
    spread = frame(0.0, seeds=3)
    rows = spread["variant"].eq("stock_blocks - none mlp") & spread["metric"].eq(PAPERS)
    spread.loc[rows, "value"] = [0.5, -0.5, 0.0]
    assert "too few markets" in said(spread) and "deviation of 0.50" in said(spread)
    assert "would take 137 markets" in said(spread)


def test_the_parts_of_the_page():
    shown = shown_of("augmentation", frame(0.01, seeds=ENOUGH_SEEDS))
    made = parts(page, shown, "head", "treatments", "counts", "levels", "changes", "panels")
    assert made["treatments"].count("«") == 6 and made["counts"].count("«") == 1
    assert made["levels"].count('type="radio"') == 3 and "nan" not in made["changes"].partition("base64")[0]
    assert "21 days a stock" in made["panels"]
    assert "No price file is given" in parts(page, shown, "real_prices")["real_prices"]
    shown = shown_of("augmentation", frame(0.01, seeds=ENOUGH_SEEDS, place="csi300 paper B"))
    real = parts(page, shown, "real_prices")["real_prices"]
    assert real.count('type="radio"') == 3 and "one path" in real and "nan" not in real


def test_claims_are_answered_as_the_papers_make_them():
    found = {item.claim_id: item for item in answer_claims(frame(0.01, seeds=ENOUGH_SEEDS, larger=0.02))}
    real = {name for name in CLAIM_IDS if ".real." in name}
    assert set(found) == set(CLAIM_IDS) - real and len(real) == 8
    assert found["B.augment.mlp"].estimate == pytest.approx(0.1002) and found["B.augment.mlp"].markets == ENOUGH_SEEDS
    assert found["B.augment.synthetic.mlp.col0"].estimate == pytest.approx(0.2002)
    assert found["B.augment.overfit.raw"].estimate == pytest.approx(0.2002)
    assert found[LARGER].parts[0][1] > 0
    rows = frame(0.01, seeds=ENOUGH_SEEDS, larger=0.02, place="csi300 paper B")
    file = {item.claim_id: item for item in answer_claims(rows)}
    assert set(file) == set(CLAIM_IDS)
    assert (
        file["B.augment.real.mlp.col2"].estimate == pytest.approx(0.21) and not file["B.augment.real.mlp.col2"].markets
    )
    assert answer_claims(frame(0.01)[lambda rows: rows["metric"].eq("m1_ic")]) == []


def test_every_finding_holds_on_the_recorded_rows():
    record = recorded("augmentation")
    if not record or record.stale:
        pytest.skip("nothing recorded by this code")
    said(record.frame)
