"""Information coefficients of factors as they are, and less what industry and size explain (paper A, s3.B and Table I).

Every method is scored on the same cells, those with an industry and a market value whose entry can be executed, against
the return of the next day. A factor may point either way: its sign is that of its mean IC on the days before the first
test year, by the method itself, and the numbers are of the days after. As in Table I the information ratio is the mean
IC over the mean deviation, both averaged over factors: 0.023 / 0.156 = 0.147, 0.041 / 0.089 = 0.461.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lib.arrays import Matrix
from lib.evaluation.inputs import file_panel, source_name
from lib.evaluation.scoring import MINIMUM_CELLS, scored_cells
from lib.evaluation.simulated import chosen_factors, features, market, market_settings
from lib.evaluation.variants import VARIANTS
from lib.factors import FactorSet
from lib.factors.neutralisation import Exposures, neutralise
from lib.factors.quality.daily import computable
from lib.models.dataset import next_return
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.stats import ic, newey_west_error
from lib.stats.keys import Key
from lib.store.rows import Record

#: name -> settings of `neutralise`; raw: none
METHODS: Mapping[str, Mapping[str, Any] | None] = {
    "raw": None, "industry": {"size": 0}, "neutral": {"size": 2}, "robust": {"size": 2, "robust": True},
    "adaptive": {"size": 2, "strength": "adaptive"},
}  # fmt: skip
CORRECTED = tuple(name for name in METHODS if name != "raw")
MARKET = "market"
LEVEL = Key("{source} {method}", method=METHODS)
DIFFERENCE = Key("{source} {method} - raw", method=CORRECTED)
FAMILY = Key("{source} {method} - raw, {family}", method=CORRECTED)
METRICS = ("mean_ic", "ic_std", "information_ratio", "positive_ic_rate")
#: windows skip masked days
FEATURES = VARIANTS["mask_skip"].features
NORMAL = 1.96


def grid(settings: Settings) -> Iterator[Config]:
    """A row for each market, and one for the file."""
    for seed in settings["seeds"]:
        yield {"variant": MARKET, "seed": seed}
    if settings["data_path"]:
        yield {"variant": source_name(settings["data_path"]), "seed": 0}


def compute(row: Config, settings: Settings) -> RowResult:
    truth = None
    if row["variant"] == MARKET:
        size = (settings["n_stocks"], settings["n_days"], row["seed"], settings["limit_rates"])
        world = market(*size, **market_settings(settings))
        panel, truth, year = world.panel, world.truth.mu_trad, settings["first_test_year"]
    else:
        panel, year = file_panel(settings), settings["file_test_year"]
    names = tuple(computable(panel, chosen_factors(settings["factors"])))
    start = int(np.searchsorted(panel.dates, np.datetime64(f"{year}-01-01")))
    daily = method_ics(panel, features(panel, FEATURES, names), truth)
    found = records(row["variant"], daily, [family_of(name) for name in names], start)
    raw = LEVEL.name(source=row["variant"], method="raw")
    return RowResult([*found, *_named(raw, {"noise": noise(panel, start)})])


def noise(panel: Panel, start: int) -> float:
    """Deviation of a daily IC by chance alone, 1 / sqrt(n - 1) for the n cells of a test day, averaged."""
    count = scored_cells(panel)["m1"][start:].sum(axis=1)
    return float(np.mean(1 / np.sqrt(count[count >= MINIMUM_CELLS] - 1)))


def method_ics(panel: Panel, factors: FactorSet, truth: Matrix | None) -> dict[str, dict[str, Matrix]]:
    """Method -> daily IC [T, F] with the next return, as "ic", and with what can be earned, as "truth_ic"."""
    exposures = Exposures.from_panel(panel)
    label, cells = next_return(panel), scored_cells(panel)["m1"]
    sized = exposures.log_cap is not None and np.isfinite(exposures.log_cap) & (exposures.codes >= 0)
    outcomes = {"ic": label} if truth is None else {"ic": label, "truth_ic": truth}
    found = {}
    for method, how in METHODS.items():
        values = factors if how is None else neutralise(factors, exposures, **how)
        found[method] = {
            name: np.column_stack([
                ic(values.values[..., f], outcome, cells & sized & factors.valid[..., f] & np.isfinite(outcome),
                   min_cells=MINIMUM_CELLS)
                for f in range(len(values.names))
            ])
            for name, outcome in outcomes.items()
        }  # fmt: skip
    return found


def records(source: str, daily: Mapping[str, Mapping[str, Matrix]], families: list[str], start: int) -> list[Record]:
    """Levels, differences against raw, and those of each family; test days are the rows from `start` on."""
    signed = {method: signed_series(series, start) for method, series in daily.items()}
    groups = np.array(families)
    found: list[Record] = []
    for method, series in signed.items():
        level = summarised(series)
        found += _named(LEVEL.name(source=source, method=method), level | _interval(series["ic"]))
        if method == "raw":
            continue
        raw = signed["raw"]
        against = summarised(raw)
        gaps = {metric: level[metric] - against[metric] for metric in level}
        gaps |= _interval(series["ic"] - raw["ic"])
        found += _named(DIFFERENCE.name(source=source, method=method), gaps)
        for family in dict.fromkeys(families):
            own, base = (summarised({"ic": side["ic"][:, groups == family]}) for side in (series, raw))
            parts = {metric: own[metric] - base[metric] for metric in ("mean_ic", "ic_std")}
            parts["factors"] = float((groups == family).sum())
            found += _named(FAMILY.name(source=source, method=method, family=family), parts)
    return found


def signed_series(series: Mapping[str, Matrix], start: int) -> dict[str, Matrix]:
    """Test days [D, F] of each series, times the sign of the factor's mean IC before them; factors without one drop."""
    before, after = series["ic"][:start], series["ic"][start:]
    sign = np.sign(_mean(before))
    kept = (sign != 0) & np.isfinite(sign) & (np.isfinite(after).sum(axis=0) > 1)
    sign = np.where(kept, sign, np.nan)  # a method may drop a factor that another keeps: NaN, so that both stay [D, F]
    return {name: values[start:] * sign for name, values in series.items()}


def summarised(series: Mapping[str, Matrix]) -> dict[str, float]:
    """Table I of signed daily ICs [D, F], averaged over factors; rate in per cent of days."""
    values = series["ic"]
    known = np.isfinite(values).sum(axis=0) > 1
    mean = _mean(values[:, known])
    deviation = np.sqrt(_mean((values[:, known] - mean) ** 2))
    rate = _mean(np.where(np.isfinite(values), values > 0, np.nan)[:, known])
    found = {
        "mean_ic": float(mean.mean()), "ic_std": float(deviation.mean()),
        "information_ratio": float(mean.mean() / deviation.mean()), "positive_ic_rate": 100 * float(rate.mean()),
    }  # fmt: skip
    if "truth_ic" in series:
        found["truth_ic"] = float(np.nanmean(_mean(series["truth_ic"])))
    return found


def family_of(name: str) -> str:
    """cs_rank_003 -> cs_rank."""
    return name.rpartition("_")[0]


def _mean(values: Matrix) -> Matrix:
    """Mean over days of the known values of each factor, [F]; NaN without any."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _interval(values: Matrix) -> dict[str, float]:
    """Newey-West interval over days of the mean over factors: of one market, with the factors as they are."""
    known = np.isfinite(values)
    some = known.any(axis=1)
    series = np.where(known, values, 0.0).sum(axis=1)[some] / known.sum(axis=1)[some]
    reach = NORMAL * newey_west_error(series) if np.ptp(series) > 0 else 0.0
    return {"mean_ic.low": float(series.mean() - reach), "mean_ic.high": float(series.mean() + reach)}


def _named(variant: str, numbers: Mapping[str, float]) -> list[Record]:
    return [{"variant": variant, "metric": metric, "value": float(value)} for metric, value in numbers.items()]
