"""What the studies of the synthetic exchange say, in words that follow from estimates and their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from lib.evaluation.ablation import Ablation
from lib.stats.estimates import Estimate, Numbers, signed

#: one change at a time: name, contrast
CHANGES = (
    ("labels", "labels_only", "none"),
    ("universe", "universe_only", "none"),
    ("windows", "mask_skip", "row_deletion"),
)
EARNED = "what can be earned"


def plane_message(found: Ablation) -> str:
    """What the unmasked model has learned, and what the masked one has: the move nobody had, or the one to be had."""
    name = "none" if found.has("none") else found.variants[0]
    cut, earned = (found.level(name, metric).value for metric in ("unfilled_ic", "truth_ic"))
    text = f"No mask: correlation {signed(cut)} with the move that limits cut off, {signed(earned)} with {EARNED}"
    if not found.has("mask_skip") or name != "none":
        return text
    cut, earned = (found.level("mask_skip", metric).value for metric in ("unfilled_ic", "truth_ic"))
    return f"{text}; windows, labels and universe masked: {signed(cut)} and {signed(earned)}"


def changes(found: Ablation, metric: str = "truth_ic", digits: int = 3) -> list[str]:
    """What labels, universe and windows do to a metric, each on its own, one sentence each."""
    lines = []
    for name, left, right in CHANGES:
        item = found.contrast(left, right, metric)
        if not math.isnan(item.value):
            same = item.value == item.low == item.high == 0.0  # as of who is ordered: the predictions do not change
            verb = "leaves" if same else {1: "raises", -1: "lowers", 0: "has not been shown to change"}[item.sign]
            text = f"{name.capitalize()}. Masking the {name} alone {verb} the correlation with {EARNED}"
            size = " exactly as it was" if same else f": {item.text(digits)}"
            lines.append(f"{text}{size} ({left} against {right}, {found.learner}).")
    return lines


def largest_change(found: Ablation, metric: str = "truth_ic") -> str:
    """Which of the three changes moves a metric most; empty unless all three were run."""
    sizes = {name: found.contrast(left, right, metric).value for name, left, right in CHANGES}
    if any(math.isnan(size) for size in sizes.values()):
        return ""
    first = max(sizes, key=lambda name: abs(sizes[name]))
    rest = ", ".join(f"{name} {signed(size, 3)}" for name, size in sizes.items() if name != first)
    verb = "moves" if first == "universe" else "move"
    return f"Most. The {first} {verb} the correlation with {EARNED} most: {signed(sizes[first], 3)} ({rest})."


def one_by_one(found: Ablation) -> list[str]:
    """The three changes, which of them counts most, and the learner they were made with."""
    lines = [*changes(found), *filter(None, [largest_change(found)])]
    return lines or [f"The changes were not run one by one with {found.learner}."]


# ----------------------------------------------------------------------------------------- the controls


def spill_message(frame: pd.DataFrame, mask: str = "none") -> str:
    """What is left of phantom alpha when nothing is planted, and when nothing spills."""
    numbers = Numbers(frame)
    spilling = numbers.find(f"{mask} ridge | limits often, spill, nothing planted", "phantom_close").times(100)
    clamped = numbers.find(f"{mask} ridge | limits often, no spill, alpha", "phantom_close").times(100)
    return (
        f"Phantom alpha needs the spill, not an alpha: {spilling.text(0, ' %')} a year where nothing can be earned, "
        f"{clamped.text(0, ' %')} where much can and nothing spills"
        if spilling.sign > 0 and clamped.sign <= 0
        else f"Phantom alpha: {spilling.text(0, ' %')} a year with spill and nothing planted, "
        f"{clamped.text(0, ' %')} with an alpha and no spill"
    )


def nothing_planted(frame: pd.DataFrame, limits: str = "limits often") -> list[str]:
    """A market in which nothing can be earned, as an unmasked back-test sees it, and as its orders are filled."""
    numbers, world = Numbers(frame), f"none ridge | {limits}, spill, nothing planted"
    found = {name: numbers.find(world, name) for name in ("apparent_ic", "m1_ic", "naive_close.active_sharpe",
                                                          "executed_open.active_sharpe")}  # fmt: skip
    if math.isnan(found["apparent_ic"].value):
        return []
    naive, executed = found["naive_close.active_sharpe"], found["executed_open.active_sharpe"]
    seen = {1: "reports", 0: "does not clearly report", -1: "does not report"}[naive.sign]
    left = {1: "and they still do as executed", 0: "and nothing is left as executed", -1: "and executed they lose"}
    apparent, real = found["apparent_ic"].text(3), found["m1_ic"].text(3)
    return [
        f"Apparent IC. {apparent} on all cells, {real} on cells that can be bought, with nothing there to predict.",
        f"Orders. Filled without question the back-test {seen} a Sharpe ratio over equal weight, {naive.text()}, "
        f"{left[executed.sign]}: {executed.text()}.",
    ]


def null_message(table: pd.DataFrame, learner: str = "ridge") -> str:
    """How many null markets are found to be null, over all variants."""
    column = f"{learner}, m1_ic"
    if column not in table:
        return ""
    counts = [tuple(map(int, str(text).split(" of "))) for text in table[column].dropna()]
    total = {count for _, count in counts}
    low, high = min(hits for hits, _ in counts), max(hits for hits, _ in counts)
    many = f"{low}" if low == high else f"{low} to {high}"
    return f"In {many} of {max(total)} null markets the interval of the mean IC covers zero, whatever the variant"


# ---------------------------------------------------------------------- phantom alpha and the paradox


def costs_message(net: Sequence[Estimate], gross: Sequence[Estimate]) -> str:
    """Whether the steps of the Sharpe ratio that rise net of costs also rise before them; empty where not known."""
    if not gross or any(math.isnan(item.value) for item in gross):
        return ""
    held, kept = [item.sign > 0 for item in net], [item.sign > 0 for item in gross]
    both = sum(a and b for a, b in zip(held, kept, strict=True))
    text = f"Of the {len(net)} steps of the Sharpe ratio {sum(held)} rise net of costs and {sum(kept)} before costs"
    if sum(held) > both:
        return f"{text}; {sum(held) - both} of the rises are shown after costs only."
    return f"{text}."


def story_message(found: Sequence[Estimate]) -> str:
    """The papers' story: IC higher on days with many limit-ups, executed returns poorer; each half on its own."""
    higher, poorer = (item.sign for item in found)
    first = {1: "higher", -1: "lower", 0: "not clearly different"}[higher]
    second = {1: "poorer", -1: "better", 0: "not clearly different"}[poorer]
    return f"On days with many limit-ups the unmasked IC is {first}, and executed returns are {second}"


def path_message(path: Mapping[str, float]) -> str:
    """Who gets the move that the limit cut off; path: metric -> mean, as `limit_up_path.event_path` names them."""
    cut = 100 * (path["wanted +0"] - path["close +0"])
    gap = 100 * (path["open +1"] - path["close +0"])
    later = 100 * (path["close +5"] - path["open +1"])
    return (
        f"A limit-up close stops {signed(cut, 1)} % short; the next open has {signed(gap, 1)} %, "
        f"the five days after it {signed(later, 1)} %"
    )


def orders_message(steps: Mapping[tuple[str, str], Estimate]) -> str:
    """How many of the paradox's steps hold, by order."""
    orders = dict.fromkeys(name for name, _ in steps)
    parts = []
    for name in orders:
        signs = [item.sign for (order, _), item in steps.items() if order == name]
        shown, against = signs.count(1), signs.count(-1)
        other = f", {against} the other way" if against else ""
        parts.append(f"{name} in {shown} of {len(signs)} steps{other}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


#: variant -> planted alpha -> (IC on cells that can be bought, gross active Sharpe ratio)
AlphaLevels = Mapping[str, Mapping[float, tuple[Estimate, Estimate]]]


def alpha_title(found: AlphaLevels) -> str:
    """The gross active Sharpe ratios of the first variant, from the most alpha to the least."""
    name, levels = next(iter(found.items()))
    alphas = sorted(levels, reverse=True)
    ratios = ", ".join(signed(levels[alpha][1].value, 1) for alpha in alphas)
    who = "No mask" if name == "none" else name
    return f"{who}: active Sharpe ratio {ratios} with a planted alpha of {', '.join(f'{alpha:g}' for alpha in alphas)}"


def alpha_message(found: AlphaLevels, real: Mapping[str, tuple[Estimate, Estimate]] | None = None) -> str:
    """How IC and gross active Sharpe ratio of the first variant grow with the planted alpha, and what a file has.

    That effects in Sharpe units do not carry over is said where the intervals of the largest and of the smallest alpha
    lie apart.
    """
    name, levels = next(iter(found.items()))
    alphas = sorted(levels, reverse=True)
    rows = [f"at alpha {alpha:g} {_ic_and_sharpe(levels[alpha])}" for alpha in alphas]
    most, least = levels[alphas[0]][1], levels[alphas[-1]][1]
    apart = (
        "The ratio depends on the alpha put in, so effects in Sharpe units do not carry over to a market of another one"
        if most.low > least.high
        else "That the ratio depends on the alpha put in is not shown by these markets"
    )
    text = f"{'No mask' if name == 'none' else name}: {'; '.join(rows)}. {apart}."
    return f"{text} CSI 300 has {_ic_and_sharpe(real[name])}." if real and name in real else text


def _ic_and_sharpe(pair: tuple[Estimate, Estimate]) -> str:
    return f"IC {signed(pair[0].value, 3)} and gross active Sharpe ratio {signed(pair[1].value, 1)}"
