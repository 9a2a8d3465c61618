"""The tables of the factor universe, and what it answers of paper A's claim."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.factors.quality.criteria import CRITERIA
from lib.paper.claims import Answer

CLAIM_IDS = ("A.universe.size",)
TESTS = tuple(CRITERIA)
COUNTS = ("declared", "candidates", "left", "left.low", "left.high", "left after redundant", "null after turnover")


def sources(frame: pd.DataFrame) -> list[str]:
    """The markets of a frame: csi300, overlay, ..."""
    return list(dict.fromkeys(frame.loc[frame["metric"] == "candidates", "variant"]))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per market: candidates, who is left, before and after twins, and in the null market."""
    part = frame[frame["variant"].isin(sources(frame)) & frame["metric"].isin(COUNTS)]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False).reindex(columns=list(COUNTS))
    return wide.rename(columns={"null after turnover": "left in the null market"})


def reason_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Tests down in their order: what is measured, from which value on it passes, whom it drops, who is left."""
    part = frame[frame["variant"] == source]
    value = part.groupby("metric")["value"].mean()
    rows = []
    for name in (*TESTS, "redundant"):
        measured = CRITERIA[name].measure if name in CRITERIA else "rank correlation with a stronger candidate"
        row = {"test": name, "measured": measured, "threshold": value.get(f"threshold {name}")}
        row |= {"dropped first": value.get(f"first {name}"), "failing": value.get(f"failed {name}", np.nan)}
        row |= {"left": value.get(f"left after {name}")}
        row |= {f"left by chance{end}": value.get(f"null after {name}{end}") for end in ("", ".low", ".high")}
        rows.append(row)
    return pd.DataFrame(rows)


def family_table() -> pd.DataFrame:
    """Every template: its group, what it measures, its grid, how many candidates, and where it comes from."""
    from lib.factors import factor_names, find_factors
    from lib.factors.formulas.parametric import templates

    factors = {factor.name.partition("[")[0]: factor for factor in find_factors(factor_names("parametric"))}
    rows = []
    for name, template in templates().items():
        grid = "; ".join(f"{key} = {', '.join(map(str, values))}" for key, values in template.grid.items())
        row = {"group": factors[name].family.partition("/")[2], "template": name, "measures": factors[name].theme}
        rows.append(row | {"grid": grid, "candidates": len(list(template.points())), "source": factors[name].source})
    return pd.DataFrame(rows)


def threshold_table() -> pd.DataFrame:
    """Every test with its threshold and the reason for it."""
    return pd.DataFrame([{"test": c.name, "threshold": c.threshold, "why": c.reason} for c in CRITERIA.values()])


def candidate_table(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Every candidate of the first seed: why it was dropped (all reasons), its twin, its measures; kept ones first."""
    part = frame[frame["variant"].str.startswith(f"{source}: ") & (frame["seed"] == frame["seed"].min())]
    wide = part.pivot(index="variant", columns="metric", values="value")
    wide = wide.reindex(part["variant"].unique())
    names = [label.removeprefix(f"{source}: ") for label in wide.index]
    bits, twins = wide["failed"].astype(int).to_numpy(), wide["twin"].astype(int).to_numpy()
    kept = twins == np.arange(len(twins))
    verdicts = [", ".join(_failed(b)) or ("kept" if k else "redundant") for b, k in zip(bits, kept, strict=True)]
    shown = pd.DataFrame({"candidate": names, "verdict": verdicts})
    shown["twin of"] = [names[t] if t not in (-1, k) else "" for k, t in enumerate(twins)]
    columns = ["ic", "ic.low", "ic.high", "test_ic", "ir", "stability", "decay", "sensitivity", "turnover", "direction"]
    shown = pd.concat([shown, wide.reindex(columns=columns).reset_index(drop=True)], axis=1)
    order = np.lexsort((-shown["ir"].fillna(0), ~kept, bits > 0))
    return shown.iloc[order]


def _failed(bits: int) -> list[str]:
    return [name for k, name in enumerate(TESTS) if bits >> k & 1]


def curve(frame: pd.DataFrame, source: str, test: str) -> pd.DataFrame:
    """Threshold (or strictness, for "all tests") down; left, and left in the null market, across."""
    part = frame[frame["variant"] == f"{source} at {test}"]
    pairs = part["metric"].str.split(": ", n=1, expand=True)
    table = part.assign(threshold=pairs[0].astype(float), series=pairs[1])
    return table.pivot_table(index="threshold", columns="series", values="value", aggfunc="mean").sort_index()


def reached_at(points: pd.DataFrame, count: float) -> float:
    """The largest threshold at which at least `count` are left, between two points by a straight line; NaN if never."""
    x, left = points.index.to_numpy(float), points["left"].to_numpy(float)
    enough = np.flatnonzero(left >= count)
    if not len(enough):
        return float("nan")
    k = int(enough[-1])
    if k + 1 == len(x):
        return float(x[k])
    share = (left[k] - count) / (left[k] - left[k + 1])
    return float(x[k] + share * (x[k + 1] - x[k]))


def sensitivity_table(frame: pd.DataFrame, source: str, count: float) -> pd.DataFrame:
    """Per test, and for all together: the threshold at which `count` are left, and how many with it at its laxest."""
    rows = []
    for test in (*TESTS, "all tests"):
        points = curve(frame, source, test)
        rows.append({
            "test": test,
            "declared": CRITERIA[test].threshold if test in CRITERIA else 1.0,
            "threshold there": reached_at(points, count),
            "left without it": points["left"].iloc[0],
            "by chance without it": points["null"].iloc[0],
        })  # fmt: skip
    return pd.DataFrame(rows)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Who is left after the tests that paper A names, before twins are removed; on CSI 300 members, so `different`."""
    if "csi300" not in sources(frame):
        return []
    value = frame[frame["variant"] == "csi300"].groupby("metric")["value"].mean()
    note = (
        f"{value['candidates']:.0f} candidates, CSI 300 members, raw factors; the paper states no thresholds, ours are "
        f"declared; {value['null after turnover']:.0f} would pass by chance"
    )
    left, low, high = (float(value[name]) for name in ("left", "left.low", "left.high"))
    return [Answer("A.universe.size", left, low, high, "different", note, "factor_universe")]
