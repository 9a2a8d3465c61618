"""Tables of the study of coverage."""

from __future__ import annotations

import pandas as pd

from lib.stats.over_seeds import OverSeeds, interval_table, sources_of

WINDOWS = (5, 10, 20, 40, 60, 120, 250)
#: policy -> share of the window that must be valid
POLICIES = {"strict": 1.0, "skip": 0.5}
#: masks laid over a clean market: cell by cell, or in spells; and their shares
KINDS = ("coins", "spells")
SHARES = (0.005, 0.01, 0.025, 0.05)
FORMULAS = ("independent", "spells", "spells by stock")


def window_table(frame: pd.DataFrame, source: str, policy: str) -> pd.DataFrame:
    """Windows down; the counted share of cells that keep their window, and the formulas."""
    rows = {f"{window}": f"{source} {policy} {window}" for window in WINDOWS}
    found = interval_table(OverSeeds(frame), rows, ("counted", *FORMULAS), "window, days")
    return found.dropna(subset="counted")


def joined_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and policies down: coverage of the mean factor, of the least covered one, of all at once."""
    numbers = OverSeeds(frame)
    rows = {(source, policy): f"{source} factors {policy}" for source in sources_of(frame) for policy in POLICIES}
    metrics = ("each its own", "least", "all at once", "all at once, masks alone")
    found = interval_table(numbers, rows, metrics, ("market", "windows")).reset_index()
    for place, (column, metric) in enumerate((("masked cells", "masked share"), ("mean spell", "spell")), start=2):
        found.insert(place, column, [numbers.find(source, metric).value for source in found["market"]])
    labels = zip(found["market"], found["windows"], strict=True)
    found.insert(4, "factors", [numbers.find(rows[label], "number").value for label in labels])
    return found


def imposed_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Kinds and shares of imposed masks down; coverage of all factors at once and of each its own."""
    metrics = ("formula", "all at once, masks alone", "strict, all at once", "strict, each its own",
               "skip, all at once", "skip, each its own")  # fmt: skip
    rows = {(kind, f"{share:g}"): f"{source} imposed {kind} {share:g}" for kind in KINDS for share in SHARES}
    found = interval_table(OverSeeds(frame), rows, metrics, ("masks", "masked")).reset_index()
    return found.astype({"masked": float})


def factor_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Factors down: days that they read, coverage by policy."""
    names = [v for v in frame["variant"].unique() if v.startswith(f"{source} factor ")]
    rows = {name.rpartition(" ")[2]: name for name in names}
    return interval_table(OverSeeds(frame), rows, ("days", *POLICIES), "factor")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Coverage of factors, joined and not."""
    return joined_table(frame)
