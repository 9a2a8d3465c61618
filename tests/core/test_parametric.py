"""The parametric expansion: what is declared, that names say it, values against loops, and the mask contract."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from overlay import masked_fields, poisoned, rebuilt, rough_panel

from lib.errors import ExpressionError, UnknownNameError
from lib.factors import compute_factors, factor_names, find_factors
from lib.factors.fields import close, volume
from lib.factors.formulas.parametric import duplicates, neighbours, parse_name, templates
from lib.factors.formulas.parametric.template import Expansion
from lib.factors.registry import Family
from lib.graph import Node
from lib.ops import ts_mean
from lib.panel import Panel

NAMES = factor_names("parametric")
Cells = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Long enough for windows of a year, small enough for a thousand candidates."""
    return rough_panel(24, 300)


@pytest.fixture(scope="module")
def cells(panel: Panel) -> Cells:
    """Adjusted fields with NaN where masked, and the daily return."""
    fields = masked_fields(panel)
    before = np.vstack([np.full((1, panel.shape[1]), np.nan), fields["close"][:-1]])
    return fields | {"ret": fields["close"] / before - 1, "member": panel.universe}


# ------------------------------------------------------------------------------------------ declaration


def test_paper_a_speaks_of_a_thousand_candidates_and_of_300_to_400_from_the_alpha101():
    assert len(NAMES) >= 1000
    assert 300 <= len(factor_names("parametric/alpha")) <= 400
    assert len(factor_names()) == 213 and not set(NAMES) & set(factor_names())


def test_candidates_are_distinct_formulas_under_distinct_names():
    nodes = [factor.node for factor in find_factors(NAMES)]
    assert len(set(NAMES)) == len(NAMES) == len({id(node) for node in nodes})
    assert len({repr(node) for node in nodes}) == len(nodes), "printed formulas differ too"
    assert sum(len(list(t.points())) for t in templates().values()) == len(NAMES) + len(duplicates())


def test_every_name_gives_its_template_and_values_back():
    for factor in find_factors(NAMES):
        template, point = parse_name(factor.name)
        assert template.label(point) == factor.name
        assert template.node(point) is factor.node
        assert factor.family.startswith("parametric/")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beta[w=61,market=large,pool=market]", "w = 20, 40"),
        ("betta[w=60]", "did you mean 'beta'"),
        ("beta", "no such template"),
    ],
)
def test_a_name_that_is_not_declared_is_an_error(name, words):
    with pytest.raises(UnknownNameError, match=words):
        parse_name(name)


def test_curated_formulas_are_among_the_candidates():
    """At the published look-back, unsmoothed and on the whole market, a template is the published formula."""
    for name, d in (("alpha_003", 10), ("alpha_001", 5), ("alpha_006", 10)):
        candidate, published = find_factors([f"{name}[d={d},smooth=raw,pool=market]", name])
        assert candidate.node is published.node


def test_the_set_is_built_only_when_it_is_asked_for():
    program = (
        "import sys; from lib.factors import factor_names, find_factors; find_factors(factor_names());"
        "assert 'lib.factors.formulas.parametric' not in sys.modules;"
        "find_factors(['reward[w=5,smooth=raw,pool=market]']);"
        "assert 'lib.factors.formulas.parametric' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def toy(monkeypatch) -> Expansion:
    """An expansion of its own, which leaves the real catalogue alone."""
    monkeypatch.setattr(Family, "catalogue", {})
    for name in ("templates", "points", "first", "duplicates"):
        monkeypatch.setattr(Expansion, name, {})
    return Expansion("toy", "A toy")


def test_equal_formulas_are_registered_once_and_counted(toy):
    toy("mean", lambda d: ts_mean(close, d), "", "", {"d": (5, 10), "smooth": ("raw", "mean5")})
    toy("again", lambda d: ts_mean(ts_mean(close, d), 5), "", "", {"d": (5, 20)})
    assert duplicates() == {"again[d=5]": "mean[d=5,smooth=mean5]"}
    assert len(Family.catalogue) == 5


def test_a_template_is_declared_once(toy):
    toy("mean", lambda d: ts_mean(close, d), "", "", {"d": (5,)})
    with pytest.raises(ExpressionError, match="declared twice"):
        toy("mean", lambda d: ts_mean(volume, d), "", "", {"d": (5,)})


def test_points_that_mean_nothing_are_left_out(toy):
    grid = {"a": (5, 20), "b": (10, 20)}
    toy("ratio", lambda a, b: ts_mean(close, a) / ts_mean(close, b), "", "", grid, lambda a, b: a < b)
    assert list(Family.catalogue) == ["ratio[a=5,b=10]", "ratio[a=5,b=20]"]


def test_neighbours_are_one_step_apart_in_one_look_back(toy):
    grid = {"d": (5, 10, 20), "k": (2, 3), "pool": ("market",)}
    toy("m", lambda d, k: ts_mean(close, d) / ts_mean(volume, k), "", "", grid)
    names = list(Family.catalogue)
    pairs = {frozenset((names[i], names[j])) for i, j in neighbours(names)}
    by_hand = {
        frozenset((f"m[d={a},k={i},pool=market]", f"m[d={b},k={j},pool=market]"))
        for a, i in ((5, 2), (5, 3), (10, 2), (10, 3), (20, 2), (20, 3))
        for b, j in ((5, 2), (5, 3), (10, 2), (10, 3), (20, 2), (20, 3))
        if (i == j and {a, b} in ({5, 10}, {10, 20})) or (a == b and {i, j} == {2, 3})
    }
    assert pairs == by_hand
    assert set(neighbours(names)) == {(j, i) for i, j in neighbours(names)}, "both ways"
    assert neighbours(["alpha_001", "nobody"]) == []


# ------------------------------------------------------------------------------------------------ values


def windows(panel: Panel, d: int):
    """(day, stock) of every window of d days that ends inside the panel."""
    return ((t, i) for t in range(d - 1, panel.shape[0]) for i in range(panel.shape[1]))


def market_return(cells: Cells, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean return of the day's members that have one, on the cells of those members; loops."""
    out = np.full(cells["ret"].shape, np.nan)
    for t in range(len(out)):
        pool = [i for i in range(out.shape[1]) if cells["member"][t, i] and math.isfinite(cells["ret"][t, i])]
        w = {i: 1.0 if weights is None else weights[t, i] for i in pool}
        pool = [i for i in pool if math.isfinite(w[i])]
        if pool:
            mean = math.fsum(w[i] * cells["ret"][t, i] for i in pool) / math.fsum(w[i] for i in pool)
            out[t, pool] = mean
    return out


def check(panel: Panel, name: str, expected: np.ndarray, tolerance: float = 2e-5) -> None:
    found = compute_factors(panel, [name])
    values, valid = found.values[..., 0], found.valid[..., 0]
    known = np.isfinite(expected)
    assert known.sum() > 100, "nothing was compared"
    assert np.array_equal(known, valid)
    scale = np.nanstd(expected)
    assert np.abs(values[known] - expected[known]).max() <= tolerance * scale


def rolled(panel: Panel, d: int, statistic, *series: np.ndarray) -> np.ndarray:
    """statistic(d-day vectors) where all of them are known throughout."""
    out = np.full(panel.shape, np.nan)
    for t, i in windows(panel, d):
        parts = [x[t - d + 1 : t + 1, i] for x in series]
        if all(np.isfinite(part).all() for part in parts):
            out[t, i] = statistic(*parts)
    return out


def test_beta_is_a_regression_slope_on_the_mean_of_the_days_members(panel, cells):
    market = market_return(cells)
    slope = rolled(panel, 20, lambda r, m: np.polyfit(m, r, 1)[0], cells["ret"], market)
    check(panel, "beta[w=20,market=equal,pool=market]", slope)


def test_the_large_cap_market_weighs_by_what_was_traded_before(panel, cells):
    traded = rolled(panel, 20, np.mean, cells["close"] * cells["volume"])
    weights = np.vstack([np.full((1, panel.shape[1]), np.nan), traded[:-1]])
    market = market_return(cells, weights)
    corr = rolled(panel, 20, lambda r, m: np.corrcoef(r, m)[0, 1], cells["ret"], market)
    check(panel, "market_corr[w=20,market=large,pool=market]", corr)


def test_the_residual_is_that_of_least_squares(panel, cells):
    market = market_return(cells)

    def residual(r, m):
        design = np.column_stack([np.ones_like(m), m])
        return design, np.linalg.lstsq(design, r, rcond=None)[0]

    def deviation(r, m):
        design, b = residual(r, m)
        return math.sqrt(((r - design @ b) ** 2).sum() / (len(r) - 1))

    spread = rolled(panel, 40, deviation, cells["ret"], market)
    check(panel, "residual_volatility[w=40,market=equal,pool=market]", spread)
    intercept = rolled(panel, 40, lambda r, m: residual(r, m)[1][0], cells["ret"], market)
    check(panel, "residual_return[w=40,market=equal,pool=market]", intercept, 1e-4)


def test_beta_on_falls_counts_rises_as_zero(panel, cells):
    fall = np.minimum(market_return(cells), 0)
    slope = rolled(panel, 20, lambda r, m: np.polyfit(m, r, 1)[0], cells["ret"], fall)
    check(panel, "fall_beta[w=20,market=equal,pool=market]", slope, 1e-4)


def test_volatility_of_volatility(panel, cells):
    level = rolled(panel, 5, lambda r: r.std(ddof=1), cells["ret"])
    check(panel, "volatility_of_volatility[short=5,long=20,smooth=raw,pool=market]",
          rolled(panel, 20, lambda s: s.std(ddof=1) / s.mean(), level))  # fmt: skip


def test_momentum_within_fifths_of_size(panel, cells):
    """Ten days' return, five days ago, less the mean of the members in the same fifth of traded value."""
    past = np.full(panel.shape, np.nan)
    past[15:] = cells["close"][10:-5] / cells["close"][:-15] - 1
    size = rolled(panel, 20, np.mean, cells["close"] * cells["volume"])
    expected = np.full(panel.shape, np.nan)
    for t in range(panel.shape[0]):
        pool = [i for i in range(panel.shape[1]) if panel.universe[t, i] and math.isfinite(size[t, i])]
        rank = {i: (1 + sum(size[t, j] < size[t, i] for j in pool)) / len(pool) for i in pool}
        fifth = {i: sum(rank[i] > edge for edge in (0.2, 0.4, 0.6, 0.8)) for i in pool}
        for i in pool:
            peers = [past[t, j] for j in pool if fifth[j] == fifth[i] and math.isfinite(past[t, j])]
            if math.isfinite(past[t, i]):
                expected[t, i] = past[t, i] - math.fsum(peers) / len(peers)
    check(panel, "momentum[d=10,k=5,cohort=size,smooth=raw]", expected)


# ---------------------------------------------------------------------------------------------- contract


def everything(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    found = compute_factors(panel, NAMES, window="skip")
    return found.values.view(np.int32), found.valid


@pytest.mark.filterwarnings("ignore::lib.errors.ShortPanelWarning")
def test_no_candidate_reads_a_masked_cell_or_the_future(panel):
    """The same bits before day 280 when every masked cell is poisoned and every later price is another one."""
    last = 280
    values, valid = everything(panel)
    assert (valid.any(axis=(0, 1))).all(), "every candidate has a value somewhere"
    later = np.arange(panel.shape[0])[:, None] >= last
    for poison in (np.nan, 1e30):
        rng = np.random.default_rng(7)
        fields = dict(poisoned(panel, poison).fields)
        for name in ("open", "high", "low", "close", "vwap", "volume", "amount", "pre_close"):
            fields[name] = np.where(later, fields[name] * rng.uniform(0.5, 2.0, panel.shape), fields[name])
        other_values, other_valid = everything(rebuilt(panel, fields))
        slips = ((values != other_values) | (valid != other_valid))[:last].any(axis=(0, 1))
        assert not slips.any(), [name for name, slip in zip(NAMES, slips, strict=True) if slip][:5]
        assert (other_values != values)[last:].any(), "the future did change"


def test_formulas_are_nodes():
    assert all(isinstance(factor.node, Node) and factor.fields for factor in find_factors(NAMES))
