"""Tables of the study of coverage."""

from __future__ import annotations

import pandas as pd

from lib.findings.market_seeds import SeedNumbers, interval_table, sources_of

WINDOWS = (5, 10, 20, 40, 60, 120, 250)
#: policy -> share of the window that must be valid
POLICIES = {"strict": 1.0, "skip": 0.5}
#: masks laid over a clean market: cell by cell, or in spells; and their shares
KINDS = ("coins", "spells")
SHARES = (0.005, 0.01, 0.025, 0.05)
FORMULAS = ("independent", "spells", "spells by stock")


def window_table(frame: pd.DataFrame, source: str, policy: str) -> pd.DataFrame:
    """Windows down; the counted share of cells that keep their window, and the formulas."""
    rows = [(f"{window}", f"{source} {policy} {window}") for window in WINDOWS]
    found = interval_table(SeedNumbers(frame), rows, ("counted", *FORMULAS))
    return found.dropna(subset="counted").rename_axis("window, days")


def joined_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Markets and policies down: coverage of the mean factor, of the least covered one, of all at once."""
    numbers, rows = SeedNumbers(frame), []
    for source in sources_of(frame):
        for policy in POLICIES:
            metrics = ("each its own", "least", "all at once", "all at once, masks alone")
            found = interval_table(numbers, [("", f"{source} factors {policy}")], metrics)
            found.insert(0, "market", source)
            found.insert(1, "windows", policy)
            found.insert(2, "masked cells", numbers.find(source, "masked share").value)
            found.insert(3, "mean spell", numbers.find(source, "spell").value)
            found.insert(4, "factors", numbers.find(f"{source} factors {policy}", "number").value)
            rows.append(found)
    return pd.concat(rows, ignore_index=True)


def imposed_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Kinds and shares of imposed masks down; coverage of all factors at once and of each its own."""
    numbers, rows = SeedNumbers(frame), []
    metrics = ("formula", "all at once, masks alone", "strict, all at once", "strict, each its own",
               "skip, all at once", "skip, each its own")  # fmt: skip
    for kind in KINDS:
        for share in SHARES:
            found = interval_table(numbers, [("", f"{source} imposed {kind} {share:g}")], metrics)
            found.insert(0, "masks", kind)
            found.insert(1, "masked", share)
            rows.append(found)
    return pd.concat(rows, ignore_index=True)


def factor_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Factors down: days that they read, coverage by policy."""
    names = [v for v in frame["variant"].unique() if v.startswith(f"{source} factor ")]
    rows = [(name.rpartition(" ")[2], name) for name in names]
    return interval_table(SeedNumbers(frame), rows, ("days", *POLICIES)).rename_axis("factor")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Coverage of factors, joined and not."""
    return joined_table(frame)
