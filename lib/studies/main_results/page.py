"""The page "main_results": what the papers' full system earns beside their baselines, and what it earns it with."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import window_title
from lib.paper.pages.tables import cells
from lib.portfolio import break_even_bps
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.main_results.measure import (
    AVERSION,
    BASELINE_SYSTEMS,
    CLOSE,
    FEW_MLP,
    FEW_TREES,
    FULL,
    HEADLINE,
    HOLD,
    LEVEL,
    MLP,
    OPEN,
    PAIR,
    PAIRS,
    RIDGE,
    SCALE,
    SIMULATED_PLACE,
    SYSTEMS,
    TRANSFORMER,
    TREES,
)
from lib.studies.portfolio_method.measure import AVERSIONS, SENSES

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers say that their full system (Transformer, a loss that punishes wrong signs, synthetic data, optimiser, "
    "mask) beats buy and hold, LightGBM, an MLP and a plain Transformer. Does it, when all have the same mask, days "
    "and costs?"
)
ADVICE = (
    "Put the simplest learner into the same optimiser before you call a system better.",
    "Compare whole systems before costs, after costs and at equal turnover: a Sharpe ratio alone mixes the three.",
    "Do not choose between two systems by one path of three years: look at the interval of their difference first.",
)
GROSS, NET, MATCHED = f"{OPEN}.appraisal_gross", f"{OPEN}.appraisal", f"{OPEN}.matched.appraisal"
CLAIMED_RUN = f"{CLOSE}.sharpe"
#: a system in words
WORDS = {
    HOLD: "buy and hold, equal weight", TREES: "LightGBM, best tenth at equal weight", MLP: "MLP, MSE, optimised",
    TRANSFORMER: "Transformer, MSE, optimised", FULL: "full system",
    FEW_TREES: "LightGBM on 20,000 samples, best tenth", FEW_MLP: "MLP on 20,000 samples, optimised",
    RIDGE: "ridge, optimised",
}  # fmt: skip
#: those of the figure of growth
DRAWN = (HOLD, TREES, MLP, TRANSFORMER, FULL, RIDGE)
HEADS = {
    "system": "system", "truth_ic": "truth IC", "m1_ic": "IC, buyable cells",
    GROSS: "hedged Sharpe ratio, before costs", NET: "hedged Sharpe ratio, after costs",
    f"{OPEN}.sharpe_gross": "Sharpe ratio, before costs", f"{OPEN}.sharpe": "Sharpe ratio, after costs",
    f"{OPEN}.annual_return": "return a year, after costs", f"{OPEN}.max_drawdown": "largest drawdown",
    f"{OPEN}.sortino": "Sortino ratio", f"{OPEN}.turnover": "turnover a day, share of equity",
    f"{OPEN}.beta": "beta", f"{OPEN}.break_even_bps": "break-even cost a side against equal weight, bps",
    "markets": "markets",
}  # fmt: skip
SCALE_HEADS = (GROSS, NET, f"{OPEN}.sharpe", f"{OPEN}.turnover")
THEIR_HEADS = {name.replace(OPEN, CLOSE): text for name, text in HEADS.items() if not name.endswith("_ic")}
GAP_HEADS = {
    "compared": "difference", "truth_ic": "truth IC", "m1_ic": "IC", GROSS: HEADS[GROSS], NET: HEADS[NET],
    f"{OPEN}.sharpe": "Sharpe ratio, after costs", f"{OPEN}.turnover.left": "turnover a day of the first",
    f"{OPEN}.turnover.right": "of the second", MATCHED: "hedged, after costs, at equal turnover",
    "break_even": "break-even cost a side, bps", CLAIMED_RUN: "Sharpe ratio, papers' back-test",
}  # fmt: skip
FORMATS: dict[str, Any] = {"truth_ic": "+.3f", "m1_ic": "+.4f", "break_even": ".1f", MATCHED: "+.2f"}
FORMATS |= {f"{run}.{name}": form for run in (OPEN, CLOSE) for name, form in (
    ("sharpe_gross", "+.2f"), ("sharpe", "+.2f"), ("appraisal_gross", "+.2f"), ("appraisal", "+.2f"),
    ("annual_return", "+.1%"), ("max_drawdown", ".1%"), ("sortino", "+.2f"), ("turnover", ".2f"), ("beta", ".2f"),
    ("break_even_bps", "+.1f"), ("turnover.left", ".2f"), ("turnover.right", ".2f"))}  # fmt: skip
SESSIONS = 243


def places(frame: pd.DataFrame) -> list[str]:
    """The simulated market, and windows of a file, in the order of the frame."""
    found = (LEVEL.parts(str(name)) for name in frame["variant"].unique())
    return list(dict.fromkeys(parts["place"] for parts in found if parts and ", training seed" not in parts["place"]))


def place_name(place: str) -> str:
    """
    >>> place_name("simulated"), place_name("csi300 paper B")
    ('simulated markets', 'CSI 300, window of paper B')
    """
    return "simulated markets" if place == SIMULATED_PLACE else window_title(place)


def note_of(shown: PageResult, place: str) -> str:
    """Small print: of a file there is one path, however often it is learned."""
    return shown.note if place == SIMULATED_PLACE else "one path, 95 % intervals over its days; mean of training seeds"


def window_b(frame: pd.DataFrame) -> str:
    """The place of paper B's window of a file; "" without one."""
    return next((place for place in places(frame) if place.endswith(" paper B")), "")


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: ridge, the four baselines, the papers' level; then its own network, size, power."""
    numbers, real = OverSeeds(frame), window_b(frame)
    found = [_ridge(numbers), _beats(numbers, SIMULATED_PLACE)]
    found += [_claimed(numbers, real), _beats(numbers, real)] if real else []
    found += [_ingredients(numbers), _size(numbers), _power(numbers)]
    return found + ([_one_path(numbers, real)] if real else [])


def gap(numbers: OverSeeds, left: str, right: str, metric: str, place: str = SIMULATED_PLACE) -> Estimate:
    return numbers.find(PAIR.name(left=left, right=right, place=place), metric)


def _beats(numbers: OverSeeds, place: str) -> Finding:
    """The papers' order by hedged Sharpe ratio after costs; each difference beside the one before costs."""
    hold, trees, mlp, own = (gap(numbers, FULL, name, NET, place) for name in BASELINE_SYSTEMS)
    found = dict(zip(("buy and hold", "LightGBM", "the MLP", "the Transformer"), (hold, trees, mlp, own), strict=True))
    more = ", ".join(name for name, item in found.items() if item.low > 0)
    less = ", ".join(name for name, item in found.items() if item.high < 0)
    name = place_name(place)
    text = (
        "Its hedged Sharpe ratio after costs, executed at the next open, less theirs: {hold:+.2f} buy and hold, "
        "{trees:+.2f} LightGBM, {mlp:+.2f} MLP, {own:+.2f} Transformer with MSE."
    )
    return outcome({
        f"{{place}}: the full system beats all four baselines. {text}": all(item.low > 0 for item in found.values()),
        f"{{place}}: the full system is behind all four. {text}": all(item.high < 0 for item in found.values()),
        f"{{place}}: the full system beats {more} and falls behind {less}. {text}": bool(more and less),
        f"{{place}}: the full system beats {more}; the rest is not decided. {text}": bool(more),
        f"{{place}}: the full system falls behind {less}; the rest is not decided. {text}": bool(less),
        f"{{place}}: whether the full system beats any baseline is not decided. {text}": True,
    }, place=name[0].upper() + name[1:], hold=hold, trees=trees, mlp=mlp, own=own)  # fmt: skip


def _ingredients(numbers: OverSeeds) -> Finding:
    """Loss and synthetic panel: the full system less the same network, book and mask with MSE."""
    truth, gross, net = (gap(numbers, FULL, TRANSFORMER, metric) for metric in ("truth_ic", GROSS, NET))
    text = (
        "The papers' loss with synthetic data, against MSE in the same Transformer and optimiser, changes the hedged "
        "Sharpe ratio by {gross:+.2f} before costs, {net:+.2f} after them, and the correlation with the true alpha by "
        "{truth:+.3f}"
    )
    return by_sign(truth, f"{text}: the predictions become better.", f"{text}: the predictions become worse.",
                   f"{text}: that the predictions change is not shown.", truth=truth, gross=gross, net=net)  # fmt: skip


def _ridge(numbers: OverSeeds) -> Finding:
    truth, gross, net = (gap(numbers, FULL, RIDGE, metric) for metric in ("truth_ic", GROSS, NET))
    where = "ridge regression in the same optimiser, on simulated markets whose alpha is linear"
    sizes = (
        "{net:+.2f} of hedged Sharpe ratio after costs, {gross:+.2f} before them, and {truth:+.3f} of the correlation "
        "with the true alpha."
    )
    return by_sign(
        net, f"The papers' full system, its Transformer fitted to a sub-sample, is ahead of {where}: {sizes}",
        f"The papers' full system, its Transformer fitted to a sub-sample, is behind {where}: {sizes}",
        f"Whether the papers' full system is ahead of {where} is not decided: {sizes}",
        truth=truth, gross=gross, net=net,
    )  # fmt: skip


def _size(numbers: OverSeeds) -> Finding:
    """What the loss does to the size of predictions, and the size to the book."""
    spread, plain = (numbers.find(LEVEL.name(system=name, place=SIMULATED_PLACE), "spread_bps")
                     for name in (FULL, TRANSFORMER))  # fmt: skip
    trades, held = (
        numbers.find(
            SCALE.name(system=name, sense=SENSES[1], aversion=AVERSION, place=SIMULATED_PLACE), f"{OPEN}.turnover"
        )
        for name in (FULL, TRANSFORMER)
    )
    text = (
        "Predictions of the full system differ between stocks by {spread:.1f} basis points a day, those of the "
        "Transformer with MSE by {plain:.1f}. An optimiser that reads them as they are trades {trades:.2f} and "
        "{held:.2f} of the equity a day"
    )
    return outcome({
        f"{text}: the loss shrinks predictions, and the book trades less.":
            spread.high < plain.low and trades.value < held.value,
        f"{text}: the loss does not shrink them here.": spread.value >= plain.value,
        f"{text}.": True,
    }, spread=spread, plain=plain, trades=trades.value, held=held.value)  # fmt: skip


def _power(numbers: OverSeeds, effect: float = 0.2) -> Finding:
    """How many markets a difference of a fifth of a Sharpe ratio to the MLP takes, and one to the Transformer."""
    samples = [numbers.seeds(PAIR.name(left=FULL, right=name, place=SIMULATED_PLACE), NET)
               for name in (MLP, TRANSFORMER)]  # fmt: skip
    mlp, own = (markets_needed(sample, effect) for sample in samples)
    had = float(min(len(sample) for sample in samples))
    text = (
        "To decide a difference of {effect:.1f} in hedged Sharpe ratio takes {mlp:.0f} simulated markets against the "
        "MLP and {own:.0f} against the Transformer with MSE; {had:.0f} were run"
    )
    return outcome({f"{text}: enough for it.": max(mlp, own) <= had, f"{text}: too few for it, so smaller gaps "
                    "stay open.": True}, effect=effect, mlp=mlp, own=own, had=had)  # fmt: skip


def _claimed(numbers: OverSeeds, place: str) -> Finding:
    """The papers' level on real prices, on their own back-test."""
    variant, claimed = LEVEL.name(system=FULL, place=place), claimed_value("B.main.real.full.sharpe")
    theirs = numbers.one_path(variant, CLAIMED_RUN)
    hold = numbers.find(LEVEL.name(system=HOLD, place=place), CLAIMED_RUN).value
    text = (
        "On {place}, back-tested as the papers do, the full system has a Sharpe ratio of {theirs:+.2f} after costs; "
        "the paper prints {claimed:.2f}, and buy and hold has {hold:+.2f}"
    )
    return outcome({
        f"{text}. The printed value lies outside the range of one path of this length.":
            claimed > theirs.high or claimed < theirs.low,
        f"{text}. The printed value lies inside the range of one path of this length, which is wide.": True,
    }, place=place_name(place), theirs=theirs, claimed=claimed, hold=hold)  # fmt: skip


def _one_path(numbers: OverSeeds, place: str) -> Finding:
    """What three years can decide: half the interval of two differences."""
    halves = [gap(numbers, FULL, name, NET, place).half_width for name in (TREES, MLP)]
    text = (
        "One path of this length decides little: the 95 % interval of the difference in hedged Sharpe ratio reaches "
        "{trees:.2f} to either side against LightGBM and {mlp:.2f} against the MLP"
    )
    return outcome({f"{text}. Training seeds do not help: they share the days.": min(halves) > 0.2, f"{text}.": True},
                   trees=halves[0], mlp=halves[1])  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def growth_figure(frame: pd.DataFrame, place: str, note: str = "") -> Figure:
    """What one yuan becomes, executed at the next open and after costs; the mean over markets or training seeds."""
    from lib.paper.pages.forms import Line, lines_by_group

    numbers, lines = OverSeeds(frame), []
    for name in DRAWN:
        variant = LEVEL.name(system=name, place=place)
        metrics = [metric.removeprefix("growth.") for own, metric in numbers if own == variant]
        days = sorted(int(text) for text in metrics if text.isdigit())
        if days:
            values = [numbers.find(variant, f"growth.{day}").value for day in days]
            lines.append(Line(WORDS[name].partition(", ")[0] if name != RIDGE else "ridge", [0.0, *(day / SESSIONS for
                              day in days)], [1.0, *values], dashed=name in (HOLD, RIDGE)))  # fmt: skip
    return lines_by_group({"": lines}, f"One yuan after costs, {place_name(place)}", "years from the first test day",
                          "value, yuan", note=note)  # fmt: skip


def growth(shown: PageResult) -> HTML:
    """The papers' figure of cumulative performance, a tab for each place."""
    return tabs({place_name(place): plot(growth_figure(shown.rows, place, note_of(shown, place)))
                 for place in places(shown.rows)})  # fmt: skip


def differences(shown: PageResult) -> HTML:
    """The full system less every other one, before costs and after them, a tab for each place."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, VERMILLION

    numbers = OverSeeds(shown.rows)

    def picture(place: str) -> HTML:
        rows = {WORDS[name].replace(", ", ",\n", 1): [gap(numbers, FULL, name, metric, place)
                                                      for metric in (GROSS, NET)]
                for left, name in PAIRS if left == FULL}  # fmt: skip
        title = _beats(numbers, place).title(f"The full system less each other one, {place_name(place)}")
        return plot(forest(rows, title,
                           "difference of hedged Sharpe ratios a year", series=("before costs", "after costs"),
                           colors=(BLUE, VERMILLION), note=note_of(shown, place)))  # fmt: skip

    return tabs({place_name(place): picture(place) for place in places(shown.rows)})


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame, place: str, heads: dict[str, str] = HEADS) -> pd.DataFrame:
    """Systems down, gross before net across."""
    numbers, chosen = OverSeeds(frame), [name for name in heads if name not in ("system", "markets")]
    rows = [
        {"system": WORDS[name]} | cells(numbers, LEVEL.name(system=name, place=place), chosen)
        | {"markets": len(numbers.seeds(LEVEL.name(system=name, place=place), NET))}
        for name in SYSTEMS
    ]  # fmt: skip
    found = pd.DataFrame(rows)
    return found[found["markets"] > 0].dropna(axis=1, how="all")


def gaps_table(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Paired differences down."""
    numbers, rows = OverSeeds(frame), []
    for left, right in PAIRS:
        variant = PAIR.name(left=left, right=right, place=place)
        row: dict[str, Any] = {"compared": " less ".join(WORDS[name].partition(", ")[0] for name in (left, right))}
        row |= cells(numbers, variant, [name for name in GAP_HEADS if name not in ("compared", "break_even")])
        sides = [numbers.find(variant, f"{OPEN}.turnover.{side}").value for side in ("left", "right")]
        daily = numbers.find(variant, f"{OPEN}.annual_gross").value / SESSIONS
        row["break_even"] = break_even_bps(daily, sides[0] - sides[1], max(sides)) if not math.isnan(daily) else daily
        rows.append(row)
    return pd.DataFrame(rows).dropna(thresh=2)


def scale_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Optimised systems by size of predictions and risk aversion, at the next open with costs counted."""
    numbers, rows = OverSeeds(frame), []
    for name, sense, aversion in product(SYSTEMS, SENSES, sorted(AVERSIONS)):
        variant = SCALE.name(system=name, sense=sense, aversion=aversion, place=SIMULATED_PLACE)
        if (sense, aversion) == HEADLINE and SYSTEMS[name].book == "optimised":
            variant = LEVEL.name(system=name, place=SIMULATED_PLACE)
        found = cells(numbers, variant, SCALE_HEADS)
        rows.append({"system": WORDS[name], "sense": sense, "aversion": aversion} | found)
    return pd.DataFrame(rows).dropna(subset=[NET])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The systems on the simulated markets."""
    return levels_table(frame, SIMULATED_PLACE).set_index("system")


def levels(shown: PageResult) -> HTML:
    """Every system, a tab for each place and for each of the two ways in which orders are filled."""
    return tabs({
        f"{place_name(place)}, {how}": table(levels_table(shown.rows, place, heads),
                                             f"main_results_{end}_{_file(place)}", columns=heads, formats=FORMATS,
                                             caption=note_of(shown, place))
        for place in places(shown.rows)
        for how, end, heads in (("next open", "open", HEADS), ("papers' back-test", "close", THEIR_HEADS))
    })  # fmt: skip


def gaps(shown: PageResult) -> HTML:
    """Every paired difference, a tab for each place."""
    return tabs({place_name(place): table(gaps_table(shown.rows, place), f"main_results_gaps_{_file(place)}",
                                          columns=GAP_HEADS, formats=FORMATS, caption=note_of(shown, place))
                 for place in places(shown.rows)})  # fmt: skip


def scales(shown: PageResult) -> HTML:
    """What size of predictions and risk aversion do to the same predictions."""
    heads = {"system": "system", "sense": "predictions", "aversion": "risk aversion"}
    heads |= {name: HEADS[name] for name in SCALE_HEADS}
    return table(scale_table(shown.rows), "main_results_scale", columns=heads, caption=shown.note, formats=FORMATS)


def _file(place: str) -> str:
    return place.replace(" ", "_")


# -------------------------------------------------------------------------------------------- claims

ORDER = "B.main.beats_baselines"
_REAL = {"sharpe": ("sharpe", 1.0), "annual_return": ("annual_return", 100.0), "sortino": ("sortino", 1.0),
         "turnover": ("turnover", 1.0)}  # fmt: skip
CLAIM_IDS = (*(f"B.main.real.full.{name}" for name in _REAL), ORDER)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels in paper B's window of a file, on the papers' own back-test; the order there on simulated markets.

    The settings of every learner come from a search, by the validation IC of MSE.
    """
    numbers, real, found = OverSeeds(frame), window_b(frame), []
    for name, (metric, unit) in _REAL.items() if real else ():
        item = answered(numbers, LEVEL.name(system=FULL, place=real), f"{CLOSE}.{metric}", "level", unit)
        note = f"{place_name(real)}, the papers' back-test: predictions as they are, risk aversion {AVERSION}"
        found += level_answer(f"B.main.real.full.{name}", item, note, "main_results")
    return found + _order(numbers)


def _order(numbers: OverSeeds) -> list[Answer]:
    keys = [(PAIR.name(left=FULL, right=name, place=SIMULATED_PLACE), CLAIMED_RUN) for name in BASELINE_SYSTEMS]
    parts = [numbers.find(*key) for key in keys]
    if any(math.isnan(part.low) for part in parts):
        return []
    net = ", ".join(gap(numbers, FULL, name, NET).text() for name in BASELINE_SYSTEMS)
    note = f"Sharpe ratios after costs in the papers' back-test, simulated markets; hedged at the next open: {net}"
    return [Answer(ORDER, note=note, page="main_results", markets=markets_behind(numbers, keys),
                   parts=[(part.value, part.low, part.high) for part in parts])]  # fmt: skip
