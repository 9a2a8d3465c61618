"""What masking costs in cells: strict against skipping windows, factors joined against each its own, and by formula.

A cell that no factor covers cannot be traded, however right the mask is. Counted on simulated markets and on a file;
beside each count the formula for iid masking, for clustered masking, and for clusters that differ from stock to stock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lib.audit.reads import Reads, declared_reads, permitted
from lib.evaluation.markets import REAL_RATES, computable, record, row_panel
from lib.factors import compute_factors, find_factors
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.reasons import Reason
from lib.stats.over_seeds import MARKET
from lib.studies.contamination.distances import read_days
from lib.studies.coverage.expected import Chain, by_stock, chain_of, clustered, counted, imposed, independent

WINDOWS = (5, 10, 20, 40, 60, 120, 250)
#: policy -> share of the window that must be valid
POLICIES = {"strict": 1.0, "skip": 0.5}
#: masks laid over a market without masked cells, iid or clustered; and their shares
KINDS = ("coins", "spells")
SHARES = (0.005, 0.01, 0.025, 0.05)
#: days that a stock must have been listed before its cells count: the longest finite window of the 213 is 80
LIFE = 100
BLOCK = 150  # stocks whose factors are in memory at the same time
IMPOSED_SPELL = 6.0  # days, of masks laid over a clean market
Records = Iterator[dict[str, Any]]


def compute(row: Config, settings: Settings) -> RowResult:
    panel = row_panel(row, settings)
    if row["source"] != MARKET:
        panel = stocks(panel, np.arange(0, panel.shape[1], settings["every"]))
    records = [*_by_window(row, panel), *_by_factor(row, panel)]
    if row["source"] == MARKET and row["limit_rates"] == REAL_RATES:
        few = np.arange(min(settings["imposed_stocks"], panel.shape[1]))
        records += _imposed(row, stocks(panel.rows(0, settings["imposed_days"]), few))
    return RowResult(records)


def stocks(panel: Panel, chosen: np.ndarray, masked: np.ndarray | None = None) -> Panel:
    """The panel of some stocks; with `masked`, of cells that are halted there and nowhere else."""
    reasons = panel.reasons[:, chosen] if masked is None else np.where(masked, np.uint8(Reason.HALT), np.uint8(0))
    fields = {name: values[:, chosen] for name, values in panel.fields.items()}
    universe = panel.universe[:, chosen]
    return Panel.from_arrays(
        panel.dates, panel.symbols[chosen], fields, reasons=reasons, universe=universe, market=panel.market, copy=False
    )


def _by_window(row: Config, panel: Panel) -> Records:
    """Kept cells by window length and policy, counted and by the three formulas."""
    mask, listed, scored = panel.mask, panel.without(Reason.UNLISTED), panel.universe
    chain = chain_of(mask, scored)  # of the cells that count
    n = int(scored.sum())
    yield record(row, "", "masked share", chain.masked, n)
    yield record(row, "", "spell", chain.spell, n)
    for policy, share in POLICIES.items():
        for window in WINDOWS:
            kept, eligible = counted(mask, listed, scored, window, share)
            variant = f"{policy} {window}"
            if eligible:
                yield record(row, variant, "counted", kept / eligible, eligible)
                yield record(row, variant, "independent", independent(chain.masked, window, share))
                yield record(row, variant, "spells", clustered(chain, window, share))
                yield record(row, variant, "spells by stock", by_stock(mask, listed, scored, window, share))


def _by_factor(row: Config, panel: Panel) -> Records:
    """Covered cells of every factor, of the mean factor, and of all factors at once; block of stocks by block."""
    names = computable(panel)
    for policy in POLICIES:
        totals, joined, cells = np.zeros(len(names)), 0, 0
        for start in range(0, panel.shape[1], BLOCK):
            block = stocks(panel, np.arange(start, min(start + BLOCK, panel.shape[1])))
            covered = _covered(block, names, policy)
            totals += covered.sum(axis=0)
            joined, cells = joined + int(covered.all(axis=1).sum()), cells + len(covered)
        variant = f"factors {policy}"
        yield record(row, variant, "each its own", (totals / cells).mean(), cells)
        yield record(row, variant, "least", (totals / cells).min(), cells)
        yield record(row, variant, "all at once", joined / cells, cells)
        yield record(row, variant, "number", len(names))
        for factor, share in zip(find_factors(names), totals / cells, strict=True):
            yield record(row, f"factor {factor.name}", policy, share, cells)
    yield record(row, "factors strict", "all at once, masks alone", _allowed(panel, names), cells)
    for factor in find_factors(names):
        yield record(row, f"factor {factor.name}", "days", len(read_days(factor)))


def _covered(panel: Panel, names: list[str], policy: str) -> np.ndarray:
    """Validity [cells, F] of the factors on the cells that count."""
    return compute_factors(panel, names, window=policy).valid[_counting(panel)]


def _counting(panel: Panel) -> np.ndarray:
    """Cells [T, N] that can be traded, inside the universe, of stocks listed long enough."""
    old = np.cumsum(panel.without(Reason.UNLISTED), axis=0) >= LIFE
    return panel.mask & panel.universe & old


def _allowed(panel: Panel, names: list[str]) -> float:
    """Share of these cells on which strict windows allow every factor a value, whatever the values are."""
    return float(permitted(panel, all_reads(names))[_counting(panel)].mean())


def all_reads(names: list[str]) -> Reads:
    """The days that any of the factors reads."""
    found = [declared_reads(factor.node) for factor in find_factors(names)]
    return Reads(frozenset().union(*(item.prices for item in found)), frozenset().union(*(item.pool for item in found)))


def _imposed(row: Config, panel: Panel) -> Records:
    """Masks of a given share, iid or clustered, laid over prices of which nothing is masked."""
    names, everyone = computable(panel), np.arange(panel.shape[1])
    clean = _covered(stocks(panel, everyone, np.zeros(panel.shape, dtype=bool)), names, "strict")
    yield record(row, "imposed clean", "all at once", clean.all(axis=1).mean(), len(clean))
    for kind in KINDS:
        for share in SHARES:
            chain = Chain(share, IMPOSED_SPELL if kind == "spells" else 1 / (1 - share))
            masked = imposed(panel.shape, chain, np.random.default_rng([row["seed"], round(1e4 * share)]))
            over, variant = stocks(panel, everyone, masked), f"imposed {kind} {share:g}"
            yield record(row, variant, "all at once, masks alone", _allowed(over, names))
            yield record(row, variant, "formula", clustered(chain, all_reads(names).days, 1.0))
            for policy in POLICIES:
                covered = _covered(over, names, policy)
                yield record(row, variant, f"{policy}, all at once", covered.all(axis=1).mean(), len(covered))
                yield record(row, variant, f"{policy}, each its own", covered.mean(), len(covered))
