"""What needs no sampling: closed forms against naive loops, torch and pandas, and the answers that follow."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import rankdata
from torch import nn

from lib import factor_names, make_market, run_study
from lib.panel import Panel
from lib.paper.claims import load_ledger, scoreboard
from lib.paper.pages import PageResult
from lib.paper.pages.layout import claims
from lib.paper.site.notebooks import ROOT
from lib.reasons import Reason
from lib.studies import recorded
from lib.studies.identities import STUDY, checks, page
from lib.studies.identities.measure import CLAIMED, GAMMAS, ROUNDING
from lib.studies.limit_events.mask_building import HEURISTICS, OPERATIONS, heuristic_errors, nan_against_mask

POISON = (np.nan, np.inf, -1e30)
CLAIMS = {claim.id: claim for claim in load_ledger()}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_study("identities", scale="smoke", seeds=1, n_stocks=40, n_days=120, progress=False,
                     cache=tmp_path_factory.mktemp("cache"))  # fmt: skip


# ------------------------------------------------------------------------------------------------ ranks


def test_sorting_twice_is_the_ordinal_rank_of_another_library():
    values = np.random.default_rng(3).integers(0, 6, size=(40, 15)).astype(float)
    wanted = np.array([rankdata(row, method="ordinal") for row in values])
    assert (checks.double_argsort(values) == wanted).all()


def test_agreement_is_counted_cell_by_cell():
    rng = np.random.default_rng(4)
    values = rng.integers(0, 8, size=(30, 11)).astype(float)
    cells = rng.random(values.shape) > 0.3
    cells[5] = False
    for filling in (np.nan, 0.0):
        agree, days, largest = [], [], 0.0
        for row, inside in zip(values, cells, strict=True):
            if not inside.any():
                continue
            wanted = rankdata(row[inside])
            printed = rankdata(np.where(inside, row, np.inf if np.isnan(filling) else filling), method="ordinal")
            same = wanted == printed[inside]
            agree += same.tolist()
            days.append(same.all())
            largest = max(largest, np.abs(wanted - printed[inside]).max() / inside.sum())
        found = checks.rank_agreement(values, cells, filling)
        assert found == pytest.approx({"agree": np.mean(agree), "days": np.mean(days), "largest": largest})


def test_without_ties_and_masks_it_is_the_rank_and_ties_break_it():
    values = np.random.default_rng(5).normal(size=(10, 20))
    everywhere = np.ones(values.shape, dtype=bool)
    assert checks.rank_agreement(values, everywhere, np.nan)["agree"] == 1
    values[3, 4] = values[3, 9]
    found = checks.rank_agreement(values, everywhere, np.nan)
    assert found["agree"] == pytest.approx(1 - 2 / 200) and found["days"] == pytest.approx(0.9)


def test_masked_cells_do_not_matter_to_the_count():
    rng = np.random.default_rng(6)
    values, cells = rng.normal(size=(12, 9)), rng.random((12, 9)) > 0.4
    wanted = checks.rank_agreement(values, cells, 0.0)
    for poison in POISON:
        assert checks.rank_agreement(np.where(cells, values, poison), cells, 0.0) == wanted


# ----------------------------------------------------------------------------------------- rolling sums


def test_the_convolution_is_the_sum_of_both_sides():
    values, window = np.random.default_rng(7).normal(size=(30, 4)), 6
    found = checks.convolved(values, window)
    assert found.shape == (30 + window - 1, 4)
    for row in range(len(found)):
        part = values[max(row - window + 1, 0) : row + 1]
        assert found[row] == pytest.approx(part.sum(axis=0))


@pytest.mark.parametrize("window", [2, 5, 20])
def test_only_the_first_rows_do_not_look_ahead(window):
    assert [checks.days_ahead(window, first) for first in range(window)] == list(range(window))


def test_windows_that_are_not_whole_are_counted():
    cells = np.ones((30, 3), dtype=bool)
    values = np.random.default_rng(8).normal(size=cells.shape)
    found = checks.rolling_agreement(values, cells, 5)
    assert found == pytest.approx({"error": 0, "partial": 4 / 30, "short": 4 / 30}, abs=1e-12)
    cells[10, 1] = False
    for poison in POISON:
        values[10, 1] = poison
        found = checks.rolling_agreement(values, cells, 5)
        assert found["partial"] == pytest.approx((4 * 3 + 5) / 90) and found["error"] < 1e-12


# ------------------------------------------------------------------------------------------- parameters


class Named(nn.Module):
    """The modules that the text names, for counting: nothing is trained here."""

    def __init__(self, width: int, reading: str) -> None:
        super().__init__()
        extra, normalised = checks.READINGS[reading]
        self.embed = nn.Linear(1, width)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, checks.FACTORS + extra, width))
        layer = nn.TransformerEncoderLayer(width, checks.HEADS, checks.FEED_FORWARD, batch_first=True)
        norm = nn.LayerNorm(width) if normalised else None
        self.encoder = nn.TransformerEncoder(layer, checks.LAYERS, norm, enable_nested_tensor=False)
        self.output = nn.Linear(width, 1)


def parameters_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_mlp_has_what_torch_counts():
    layers = [torch.nn.Linear(a, b) for a, b in pairwise((213, 128, 128, 1))]
    assert sum(map(parameters_of, layers)) == checks.mlp_parameters() == 44_033


@pytest.mark.parametrize("reading", checks.READINGS)
@pytest.mark.parametrize("width", [8, 64, 104])
def test_the_closed_form_is_what_torch_counts(reading, width):
    network = Named(width, reading)
    assert parameters_of(network) == checks.transformer_parameters(width, reading)


def test_the_width_of_the_claim_is_searched_for():
    claim = CLAIMS["B.params.transformer"]
    assert (claim.claimed, claim.rounding) == (CLAIMED, ROUNDING)
    for reading in checks.READINGS:
        found = checks.widths_that_give(CLAIMED, ROUNDING, reading)
        counts = {w: checks.transformer_parameters(w, reading) for w in range(4, 513, 4)}
        assert found == [w for w, count in counts.items() if 215_000 <= count <= 225_000]
        assert 64 not in found and not {32, 128, 256} & set(found)
        assert checks.widths_that_give(1.0, 0.0, reading) == []


# ------------------------------------------------------------------------------------------------- loss


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_loss_weighs_as_printed(gamma):
    assert checks.penalty_ratio(gamma) == pytest.approx((1 + gamma) / gamma)
    assert checks.distance_from_mse(gamma) == pytest.approx(1 / gamma, rel=1e-6)


def test_bytes_of_the_panel():
    assert checks.panel_bytes(16) == 213 * 3000 * 3500 * 2
    assert checks.panel_bytes(16) / checks.GIB == pytest.approx(4.1658, abs=1e-4)


# ------------------------------------------------------------------------------------------------ masks


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_market(40, 160, 1).panel


def test_a_heuristic_is_counted_cell_by_cell(panel):
    counts = {name: {"limit": 0, "both": 0, "missed": 0, "false": 0} for name in HEURISTICS}
    traded = 0
    for t in range(panel.shape[0]):
        for i in range(panel.shape[1]):
            reasons = int(panel.reasons[t, i])
            if reasons & (Reason.MISSING | Reason.UNLISTED | Reason.HALT):
                continue
            traded += 1
            size = abs(panel.fields["close"][t, i] / panel.fields["pre_close"][t, i] - 1)
            band = panel.fields["limit_pct"][t, i] / 100
            at_limit = bool(reasons & (Reason.LIMIT_UP | Reason.LIMIT_DOWN))
            for name, found in (("by board", size >= band - 0.002), ("one threshold", size > 0.098)):
                counts[name]["limit"] += at_limit
                counts[name]["both"] += at_limit and found
                counts[name]["missed"] += at_limit and not found
                counts[name]["false"] += found and not at_limit
    for name, wanted in counts.items():
        found = heuristic_errors(panel, name)
        differ = found.pop("differ")
        assert found == wanted and wanted["limit"] > 20
        assert differ == pytest.approx((wanted["missed"] + wanted["false"]) / traded)


def test_nan_is_lost_in_comparisons_and_kept_in_arithmetic(panel):
    found = {name: nan_against_mask(panel, name) for name in OPERATIONS}
    for name in ("mean of 20 days", "largest of 20 days", "rank in the day"):
        assert found[name]["more"] == found[name]["fewer"] == found[name]["masked"] == 0, name
        assert found[name]["differ"] == 0, name
    hidden = panel.observed & ~panel.mask
    assert hidden.sum() > 20 and found["higher than yesterday"]["masked"] == 1
    # a comparison is a number everywhere: also the day after a masked one, and the first day
    before = np.vstack([np.zeros((1, panel.shape[1]), dtype=bool), panel.mask[:-1]])
    more = (panel.observed & ~(panel.mask & before)).sum() / panel.observed.sum()
    assert found["higher than yesterday"]["more"] == pytest.approx(more)
    assert found["share of days up, 20 days"]["more"] > more
    # pandas carries the last average into masked days, after the first price
    seen = np.logical_or.accumulate(panel.mask, axis=0)
    assert found["exponential average"]["masked"] == pytest.approx((hidden & seen).sum() / hidden.sum())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_stands_in_masked_cells_does_not_matter(panel, operation):
    wanted = nan_against_mask(panel, operation)
    hidden = panel.observed & ~panel.mask
    for poison in (np.inf, 1e30):
        fields = {name: panel.fields[name].copy() for name in panel.fields}
        for name in ("close", "volume"):
            fields[name][hidden] = poison
        adjusted = {name: np.where(hidden, poison, panel.adjusted(name)) for name in ("close", "volume")}
        other = Poisoned(panel, adjusted)
        assert nan_against_mask(other, operation) == wanted  # type: ignore[arg-type]


class Poisoned:
    """A panel whose adjusted fields are given."""

    def __init__(self, panel, adjusted):
        self.mask, self.observed, self.adjusted = panel.mask, panel.observed, adjusted.__getitem__


# ------------------------------------------------------------------------------- the study and its page


def test_every_claim_is_answered_in_the_papers_setting(result):
    board = scoreboard(result.answers()).set_index("id").loc[list(page.CLAIM_IDS)]
    assert (board["verdict"] == "arithmetic").all() and (board["setting"] == "same").all()
    agrees = board["agrees"].to_dict()
    assert agrees == {
        "A.rank.double_argsort": False,
        "A.conv.rolling": False,
        "B.params.mlp": True,
        "B.params.transformer": False,
        "B.factors.count": True,
        "B.factors.first58": False,
        "B.loss.penalty_ratio": True,
        "B.loss.gamma_large": True,
        "B.speed.memory": True,
    }
    assert board.loc["B.factors.first58", "ours"] == pytest.approx(100 * 0.22 / 0.53)
    assert "4.47 GB" in board.loc["B.speed.memory", "note"] and "104" in board.loc["B.params.transformer", "note"]


def test_the_answers_follow_the_numbers(result):
    frame = result.frame.copy()
    agree = (frame["metric"] == "agree") & frame["variant"].str.contains("rank: return")
    frame.loc[agree, "value"] = 1.0
    short = frame.loc[(frame["metric"] == "short") & frame["variant"].str.endswith("masked"), "value"].item()
    frame.loc[(frame["metric"] == "partial") & frame["variant"].str.endswith("masked"), "value"] = short
    frame.loc[(frame["metric"] == "distance from MSE") & frame["variant"].str.endswith("1e+06"), "value"] = 0.1
    board = scoreboard(page.answer_claims(frame)).set_index("id")
    assert board.loc["A.rank.double_argsort", "agrees"] and board.loc["A.conv.rolling", "agrees"]
    assert not board.loc["B.loss.gamma_large", "agrees"]
    only = frame[frame["variant"].str.startswith("market")]
    assert [answer.claim_id for answer in page.answer_claims(only)] == list(page.CLAIM_IDS[:2])


def test_a_file_answers_before_a_made_up_market(result):
    part = result.frame[result.frame["variant"].str.startswith("market")]
    named = part.assign(variant=part["variant"].str.replace("market", "csi300"))
    for answer in page.answer_claims(pd.concat([result.frame, named]))[:2]:
        assert answer.note.startswith("csi300")


def test_the_families_are_those_of_the_papers_table(result):
    table = page.factor_table(result.frame)
    assert table.loc["all", "registry"] == len(factor_names()) == table["paper"].sum()
    families = table.drop("all")
    assert (families["registry"] == families["paper"]).all() and len(families) == 10


def test_tables(result):
    frame = result.frame
    assert len(page.rank_table(frame)) == 6 and len(page.rolling_table(frame)) == 2
    assert len(page.limits_table(frame)) == len(HEURISTICS) and len(page.nan_table(frame)) == len(OPERATIONS)
    assert page.transformer_table(frame)["width 64"].tolist() == [113_857, 113_921, 114_049]
    assert STUDY.page.table is not None and len(STUDY.page.table(frame)) == len(page.CLAIM_IDS)


def test_the_note_says_at_which_width_the_number_holds(result):
    frame = result.frame
    assert "1 gives it to the two digits printed: 104" in note_of(frame)
    lost = frame.assign(value=frame["value"].mask(frame["metric"] == page.FIRST_WIDTH))
    assert "no width that the four heads divide" in note_of(lost)


def note_of(frame):
    return next(answer.note for answer in page.answer_claims(frame) if answer.claim_id == "B.params.transformer")


def changed(frame, variant, metric, value):
    """The frame with another value in the rows of a variant, given by its end, and a metric."""
    rows = frame["variant"].str.endswith(variant) & (frame["metric"] == metric)
    assert rows.any()
    return frame.assign(value=frame["value"].mask(rows, value))


#: finding -> rows that, turned round, must silence it
SILENCED = {
    0: [("rank: return: masked cells last", "agree", 1.0), ("rank: return: masked cells as 0", "agree", 1.0)],
    1: [("rolling: masked", "partial", 0.0)],
    2: [(page.PLAIN_READING, "width 64", 220_000.0)],
    5: [("limits: one threshold", "false", 0.0)],
}


@pytest.mark.parametrize("place", SILENCED)
def test_a_finding_holds_until_its_numbers_are_turned_round(result, place):
    assert page.findings(result.frame)[place].holds
    frame = result.frame
    for variant, metric, value in SILENCED[place]:
        frame = changed(frame, variant, metric, value)
    assert not page.findings(frame)[place].holds


def test_nan_that_is_never_lost_gives_the_other_sentence(result):
    assert "is lost in" in page.findings(result.frame)[4].text
    same = result.frame.assign(value=result.frame["value"].mask(result.frame["metric"] == "more", 0.0))
    assert "does what a mask does" in page.findings(same)[4].text


def test_only_what_was_run_is_said(result):
    arithmetic = result.frame[result.frame["variant"].str.startswith("arithmetic")]
    assert len(page.findings(arithmetic)) == 2
    markets = result.frame[result.frame["variant"].str.startswith("market")]
    assert len(page.findings(markets)) == 4


def test_every_finding_holds_on_the_recorded_rows():
    record = recorded("identities")
    assert record
    assert record.stale_rows() or [item.text for item in page.findings(record.frame) if not item.holds] == []


def test_the_page_shows_the_answers_and_its_parts(result, tmp_path):
    shown = PageResult.of(result, recorded("identities", folder=tmp_path))
    answers = claims(shown).data
    assert answers.count("arithmetic: agrees") == 5 and answers.count("arithmetic: does not agree") == 4
    cells = json.loads((ROOT / "notebooks" / "identities.ipynb").read_text(encoding="utf-8"))["cells"]
    source = "".join("".join(cell["source"]) for cell in cells)
    parts = ("head", "ranks", "rank_tables", "rolling_tables", "limits_tables", "lost_nan", "nan_tables", "counts")
    for name in parts:
        assert f"page.{name}(shown)" in source and getattr(page, name)(shown).data, name


def test_no_claim_is_answered_by_another_study():
    from lib.studies import load_study, studies

    for name in studies():
        others = set(load_study(name).page.claims) if name != "identities" else set()
        assert not others & set(page.CLAIM_IDS), name
