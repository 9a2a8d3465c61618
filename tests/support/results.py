"""Small frames in the form of the two studies' results, with numbers that a test chooses."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from lib.evaluation.ablation import CAUSES, VARIANT_ORDER


def tidy(records: Iterable[tuple[str, str, float]], study: str, seed: int = 0) -> pd.DataFrame:
    """(variant, metric, value) records as a study's tidy frame."""
    lines = [(study, variant, seed, metric, value, 1, "reduced") for variant, metric, value in records]
    return pd.DataFrame(lines, columns=["study", "variant", "seed", "metric", "value", "n", "setting"])


def scaled_markets(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first market `count` times, the k-th with every number larger by k per cent: a spread known by hand."""
    first = frame[frame["seed"] == 0]
    return pd.concat([first.assign(seed=k, value=first["value"] * (1 + k / 100)) for k in range(count)])


def around(variant: str, metric: str, value: float, half: float) -> list[tuple[str, str, float]]:
    """A value with an interval of `half` on both sides."""
    ends = (("", 0.0), (".low", -half), (".high", half))
    return [(variant, metric + end, value + shift) for end, shift in ends]


def limit_events(
    gap: float = 0.02, later: float = 0.0, control_gap: float | None = 0.0, half: float = 0.004, home: str = "csi300"
) -> pd.DataFrame:
    """Means after limit-up closes as given (limit-down: the opposite), in two years, all, and perhaps a control."""
    records: list[tuple[str, str, float]] = []
    for source, jump in [(home, gap)] + ([("us", control_gap)] if control_gap is not None else []):
        for span in ("2020", "2021", "all"):
            variant = f"{source} {span}"
            for side, sign in (("limit-up", 1), ("limit-down", -1)):
                records.append((variant, f"{side} close: n", 120.0))
                for outcome, mean in (("gap", jump), ("next close", jump), ("five days from close", jump + later),
                                      ("five days from next open", later)):  # fmt: skip
                    records += around(variant, f"{side} close: {outcome}", sign * mean, half)
            rates = {"limit_up": 0.006, "limit_down": 0.003, "halted": 0.02}
            records += [(variant, state, 2 * rate if span == "2020" else rate) for state, rate in rates.items()]
    return tidy(records, "limit_events")


def ablation(
    windows: float = 0.0, learner: str = "ridge", half: float = 0.01, labels: float = 0.0
) -> pd.DataFrame:
    """Every variant alike; contrasts zero except those that change the windows, or the labels."""
    effects = {"windows": windows, "labels": labels}
    records: list[tuple[str, str, float]] = []
    for place, name in enumerate(VARIANT_ORDER):
        variant = f"{name} {learner}"
        for metric, value in (("apparent_ic", 0.05), ("m1_ic", 0.02), ("m2_ic", 0.03), ("naive_close.sharpe", 1.2),
                              ("executed_close.sharpe", 0.8), ("executed_open.sharpe", 0.4 - 0.1 * place),
                              ("phantom_close", 0.1), ("phantom_close.limit_up_buys", 0.07)):  # fmt: skip
            records += around(variant, metric, value, half)
        records.append((variant, "coverage", 0.5))
    for name, cause in CAUSES.items():
        variant, effect = f"{name} {learner}", effects.get(cause, 0.0)
        for metric in ("m1_ic", "executed_open.sharpe", "naive_close.sharpe"):
            records += around(variant, metric, effect, half)
        for run in ("executed_open", "naive_close"):
            for metric in ("active_sharpe_gross", "active_sharpe", "matched.active_sharpe"):
                records += around(variant, f"{run}.{metric}", effect, half)
            turnovers = {"turnover.left": 0.2, "turnover.right": 0.5, "matched.validation_ratio": 1.01}
            records += [(variant, f"{run}.{metric}", value) for metric, value in turnovers.items()]
            records += around(variant, f"{run}.annual_gross", effect / 10, half)
    return tidy(records, "mask_ablation_real")
