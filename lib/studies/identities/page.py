"""The page "what needs no sampling": identities, counts and shares of the papers, computed again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import Answer, Claim, load_ledger
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.stats.over_seeds import MARKET, OverSeeds, interval_table, sources_of

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Some claims of the papers need no back-test: a formula is an identity or is not, a network has the stated number "
    "of parameters or has not. Which of them are right?"
)
ADVICE = (
    "Rank with ties averaged, over the valid stocks of the day only. Sorting twice is right only where all values "
    "differ.",
    "A convolution is a rolling sum after it has been cut at the right end, and only where nothing is masked.",
    "Carry a mask beside the values. Comparisons turn NaN into an ordinary number.",
)
ARITHMETIC = "arithmetic"
PAGE = "identities"
EXACT = 1e-9
#: width of the authors' package; the text lost the number
PACKAGE_WIDTH = 64
FIRST_WIDTH = "smallest of them"
PLAIN_READING = "positions of the factors alone"
MARKETS = {MARKET: "simulated market", "csi300": "CSI 300"}
CLAIM_IDS = (
    "A.rank.double_argsort", "A.conv.rolling", "B.params.mlp", "B.params.transformer", "B.factors.count",
    "B.factors.first58", "B.loss.penalty_ratio", "B.loss.gamma_large", "B.speed.memory",
)  # fmt: skip


# ---------------------------------------------------------------------------------------------- findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: the papers' formulas and counts, then masks; of the price file where there is one."""
    sources = markets_in(frame)
    found = _of_market(OverSeeds(frame), sources[-1]) if sources else []
    return [*found[:2], *(_of_text(frame) if _values(frame) else []), *found[2:]]


def _of_market(numbers: OverSeeds, source: str) -> list[Finding]:
    def value(what: str, metric: str) -> float:
        return numbers.find(f"{source} {what}", metric).value

    market = named(source)
    last, zeros = (value(f"rank: return: {case}", "agree") for case in ("masked cells last", "masked cells as 0"))
    partial, short = (value("rolling: masked", metric) for metric in ("partial", "short"))
    ahead = numbers.find(f"{ARITHMETIC} convolution", "days ahead, last rows").value
    limit, missed, added = (value("limits: by board", metric) for metric in ("limit", "missed", "false"))
    single = value("limits: one threshold", "false")
    operations = [name.partition(" NaN: ")[2] for name in numbers.variants if name.startswith(f"{source} NaN: ")]
    more = {name: value(f"NaN: {name}", "more") for name in operations}
    worst = max(more, key=lambda name: more[name], default="")
    return [
        Finding(
            "Sorting a day's returns twice, paper A's way to rank, does not always give the average rank ({market}): "
            "it does in {last:.1%} of the cells when masked cells are sorted last, and in {zeros:.1%} when they hold "
            "zeros, as in paper B.",
            last=last, zeros=zeros, market=market, holds=max(last, zeros) < 1,
        ),
        Finding(
            "Paper A's rolling sum by convolution gives a number in {partial:.1%} of the cells although a day of their "
            "window is masked or missing ({market}). The last rows of its output read {ahead:.0f} days into the "
            "future.",
            partial=partial, market=market, ahead=ahead, holds=partial > short and ahead > 0,
        ),
        first([
            Finding(
                "NaN in place of a mask is lost in {lost} of {all} operations ({market}): they give a number where the "
                "mask has none. Worst is \"{worst}\", with {most:.1%} of the cells.",
                lost=str(sum(share > 0 for share in more.values())), all=str(len(more)), worst=worst,
                most=more.get(worst, math.nan), market=market, holds=bool(worst) and more[worst] > 0,
            ),
            Finding("NaN does what a mask does in all {all} operations ({market}).", all=str(len(more)), market=market,
                    holds=bool(more) and not any(more.values())),
        ]),
        Finding(
            "A threshold on returns in place of limit prices finds limit closes that are none ({market}). Beside "
            "{limit:,.0f} true ones a threshold by board adds {added:,.0f} and misses {missed:,.0f}; a single one of "
            "9.8 % adds {single:,.0f}.",
            limit=limit, missed=missed, added=added, single=single, market=market, holds=single > added > 0,
        ),
    ]  # fmt: skip


def _of_text(frame: pd.DataFrame) -> list[Finding]:
    claims = _claims()
    network, share = claims["B.params.transformer"], claims["B.factors.first58"]
    found, printed = _package_width(frame), float(network.claimed or math.nan)
    ours, theirs = float(_first58(frame).estimate or math.nan), float(share.claimed or math.nan)
    return [
        Finding(
            "At the width of the authors' package, {width}, the Transformer has {found:,.0f} parameters. The paper "
            "prints {printed:,.0f}.",
            width=str(PACKAGE_WIDTH), found=found, printed=printed, holds=abs(found - printed) > network.rounding,
        ),
        Finding(
            "By the paper's own table the first 58 factors bring {ours:.1f} % of the improvement in Sharpe "
            "ratio over the first 9. Its text says {theirs:.0f} %.",
            ours=ours, theirs=theirs, holds=abs(ours - theirs) > share.rounding,
        ),
    ]  # fmt: skip


def named(source: str) -> str:
    """A market in words."""
    return MARKETS.get(source, source)


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ----------------------------------------------------------------------------------------------- figures


def ranks(shown: PageResult) -> HTML:
    """Share of cells in which sorting twice gives the average rank, by market."""
    words = {"no mask": "nothing masked", "masked cells last": "masked cells sorted last",
             "masked cells as 0": "masked cells hold 0"}  # fmt: skip
    values = {"return": "returns", "price": "prices"}
    cases = {f"{values[what]}, {text}": f"rank: {what}: {case}" for what in values for case, text in words.items()}
    return _bars(
        shown, cases, "agree", 0, "Where sorting twice gives the average rank", "cells with the average rank, %"
    )


def lost_nan(shown: PageResult) -> HTML:
    """Share of cells in which NaN gives a number and a mask none, by operation and market."""
    operations = dict.fromkeys(name.partition(" NaN: ")[2] for name in shown.rows["variant"] if " NaN: " in name)
    cases = {name: f"NaN: {name}" for name in operations}
    return _bars(shown, cases, "more", 2, "Where NaN gives a number and the mask none",
                 "observed cells with a number where the mask has none, %")  # fmt: skip


def _bars(shown: PageResult, cases: Mapping[str, str], metric: str, place: int, neutral: str, unit: str) -> HTML:
    """Bars under the finding of their market at this place; a tab for each market."""
    from lib.paper.pages.forms import bars

    numbers = OverSeeds(shown.rows)

    def picture(source: str) -> HTML:
        values = {text: numbers.find(f"{source} {case}", metric).times(100) for text, case in cases.items()}
        title = _of_market(numbers, source)[place].title(neutral)
        return plot(bars(values, title, unit, form=".1f", note=_note(shown, source)))

    return tabs({named(source): picture(source) for source in reversed(markets_in(shown.rows))})


def _note(shown: PageResult, source: str) -> str:
    return shown.note if source == MARKET else f"{shown.name}: {named(source)}, every cell counted"


# ------------------------------------------------------------------------------------------------ tables


def markets_in(frame: pd.DataFrame) -> list[str]:
    """The simulated markets and the file, in that order."""
    return [name for name in sources_of(frame) if name != ARITHMETIC]


def rank_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market, value and masked cells down; how often a double argsort gives the average rank across."""
    return _by_case(frame, "rank", ("agree", "days", "largest"), ("market", "value", "masked cells"))


def rolling_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and mask down; the convolution beside the windows without masked cells across."""
    return _by_case(frame, "rolling", ("error", "partial", "short"), ("market", "mask"))


def limits_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and heuristic down; limit closes found, missed and invented across."""
    return _by_case(frame, "limits", ("limit", "both", "missed", "false", "differ"), ("market", "heuristic"))


def nan_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and operation down; where NaN and the mask disagree across."""
    return _by_case(frame, "NaN", ("more", "fewer", "masked", "differ"), ("market", "operation"))


def transformer_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Reading of the text down; parameters of the Transformer by width across, and the widths that give the claim."""
    part = frame[frame["metric"].str.startswith("width ") | frame["metric"].isin(["widths that give it", FIRST_WIDTH])]
    wide = part.pivot(index="variant", columns="metric", values="value")[list(part["metric"].unique())]
    wide = wide.loc[list(part["variant"].unique())]
    wide.index = [name.removeprefix(f"{ARITHMETIC} ") for name in wide.index]
    return wide.rename_axis("reading", axis="index").rename_axis(None, axis="columns")


def factor_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Families down: factors in the registry and in the papers' Table 1."""
    ours = _values(frame, "factors")
    printed = dict(zip(ours, map(int, _claims()["B.factors.count"].check.split("+")), strict=False))
    return pd.DataFrame({"registry": ours, "paper": printed}).rename_axis("family").astype("Int64")


def loss_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Gamma down: gradient at a wrong sign over that at a right one, and how far the loss is from the mean square."""
    return _by_name(frame, "gamma", ["penalty ratio", "distance from MSE"])


def memory_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Bits of a value down: size of all factors of the papers' panel, in 10^9 bytes and in 2^30 bytes."""
    return _by_name(frame, "", ["GB", "GiB"], " bits")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Claim, the papers' number, and ours."""
    claims, answers = _claims(), answer_claims(frame)
    return pd.DataFrame({
        "claim": [answer.claim_id for answer in answers],
        "paper": [claims[answer.claim_id].claimed for answer in answers],
        "ours": [answer.estimate for answer in answers],
    })  # fmt: skip


def _by_case(frame: pd.DataFrame, kind: str, metrics: Sequence[str], index: Sequence[str]) -> pd.DataFrame:
    """Cases of one kind: "market kind: part: part" down, metrics across."""
    numbers, rows = OverSeeds(frame), {}
    for source in markets_in(frame):
        head = f"{source} {kind}: "
        for variant in numbers.variants:
            if variant.startswith(head):
                rows[(source, *variant.removeprefix(head).split(": "))] = variant
    return interval_table(numbers, rows, metrics, index)  # type: ignore[arg-type]


def _by_name(frame: pd.DataFrame, head: str, metrics: list[str], tail: str = "") -> pd.DataFrame:
    names = frame["variant"].astype(str)
    named = names.str.startswith(f"{ARITHMETIC} {head}") & names.str.endswith(tail)
    part = frame[named & frame["metric"].isin(metrics)]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)[metrics]
    wide.index = [name.removeprefix(f"{ARITHMETIC} ") for name in wide.index]
    return wide.rename_axis("").rename_axis(None, axis="columns")


def _values(frame: pd.DataFrame, what: str = "") -> dict[str, float]:
    part = frame[frame["variant"] == f"{ARITHMETIC} {what}".strip()]
    return dict(zip(part["metric"], part["value"], strict=True))


def _claims() -> dict[str, Claim]:
    return {claim.id: claim for claim in load_ledger()}


# --------------------------------------------------------------------------------------- tables of the page


def rank_tables(shown: PageResult) -> HTML:
    heads = {"value": "ranked", "masked cells": "masked cells", "agree": "cells that agree", "days": "whole days"}
    return _by_market(shown, rank_table(shown.rows), "ranks", heads, ".1%")


def rolling_tables(shown: PageResult) -> HTML:
    heads = {"mask": "mask", "error": "largest error", "partial": "window not whole", "short": "before the first day"}
    return _by_market(shown, rolling_table(shown.rows), "rolling", heads, ".1%", error=".1g")


def limits_tables(shown: PageResult) -> HTML:
    heads = {"heuristic": "return threshold", "limit": "limit closes", "both": "found", "missed": "missed",
             "false": "added", "differ": "cells that differ"}  # fmt: skip
    return _by_market(shown, limits_table(shown.rows), "limits", heads, ",.0f", differ=".2%")


def nan_tables(shown: PageResult) -> HTML:
    heads = {"operation": "operation", "more": "NaN only", "fewer": "mask only", "masked": "on masked cells",
             "differ": "values differ"}  # fmt: skip
    return _by_market(shown, nan_table(shown.rows), "nan", heads, ".1%", differ=".1g")


def _by_market(
    shown: PageResult, rows: pd.DataFrame, name: str, heads: Mapping[str, str], form: str, **forms: str
) -> HTML:
    """A tab for each market, the price file first."""
    formats: dict[str, Any] = dict.fromkeys(rows.columns, form) | forms
    known = [source for source in reversed(markets_in(shown.rows)) if source in rows.index.get_level_values(0)]
    return tabs({
        named(source): table(rows.loc[source].reset_index(), f"identities_{name}_{source}", columns=heads,
                             formats=formats, caption=_note(shown, source))
        for source in known
    })  # fmt: skip


def counts(shown: PageResult) -> HTML:
    """Parameters of the Transformer, factors by family, the loss, and memory."""
    whole = transformer_table(shown.rows).reset_index()
    widths = {name: name for name in map(str, whole) if name.startswith("width ")}
    loss = loss_table(shown.rows).rename_axis("gamma").reset_index()
    size = memory_table(shown.rows).rename_axis("values of").reset_index()
    return tabs({
        "Transformer": table(whole, "identities_transformer", columns={"reading": "reading of the text", **widths},
                             formats=dict.fromkeys(widths, ",.0f")),
        "factors": table(factor_table(shown.rows), "identities_factors"),
        "loss": table(loss, "identities_loss", formats=dict.fromkeys(("penalty ratio", "distance from MSE"), ".4g")),
        "memory": table(size, "identities_memory", formats={"GB": ".2f", "GiB": ".2f"},
                        columns={"values of": "values of", "GB": "GB (10^9 bytes)", "GiB": "GiB (2^30 bytes)"}),
    })  # fmt: skip


# ------------------------------------------------------------------------------------------------ claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The papers' arithmetic, by recomputation. Ranks and rolling sums on the file where there is one."""
    values, sources = _values(frame), markets_in(frame)
    found = [_ranks(frame, sources[-1]), _rolling(frame, sources[-1])] if sources else []
    if values:
        found += [
            _answer("B.params.mlp", values["parameters of the MLP"], "213-128-128-1, every layer with a bias"),
            _answer("B.params.transformer", _package_width(frame), _transformer_note(frame)),
            _answer("B.factors.count", _values(frame, "factors")["all"], "factors in the registry"),
            _first58(frame),
            *_loss(frame),
            _memory(frame),
        ]
    return found


def _answer(claim_id: str, value: float, note: str) -> Answer:
    return Answer(claim_id, value, value, value, "same", note, PAGE)


def _package_width(frame: pd.DataFrame) -> float:
    return _values(frame, PLAIN_READING)[f"width {PACKAGE_WIDTH}"]


def _first58(frame: pd.DataFrame) -> Answer:
    """Share of the improvement from 9 to 213 factors that the first families make, from the papers' own table."""
    claims, counts = _claims(), _values(frame, "factors")
    steps = ("alpha101", "plus_better_best", "all")
    nine, first, whole = (claims[f"B.factors.{name}.sharpe"].claimed for name in steps)
    assert nine is not None and first is not None and whole is not None
    count = counts["alpha"] + counts["better"] + counts["best"]
    note = (
        f"the papers' table: ({first} - {nine}) / ({whole} - {nine}) for the first {count:.0f} factors beyond the "
        f"first {counts['alpha']:.0f}; counted from a Sharpe ratio of zero it would be {100 * first / whole:.0f} %"
    )
    return _answer("B.factors.first58", 100 * (first - nine) / (whole - nine), note)


def _loss(frame: pd.DataFrame) -> list[Answer]:
    table = loss_table(frame)
    ratio, distance = float(table["penalty ratio"]["gamma 0.1"]), table["distance from MSE"]
    largest = str(distance.index[-1])
    tends = float(distance.is_monotonic_decreasing and distance.iloc[-1] <= 1.01 / float(largest.split()[1]))
    note = f"gradient of the loss over gamma, and of the mean square: {distance.iloc[-1]:.0e} apart at {largest}"
    return [
        _answer("B.loss.penalty_ratio", ratio, "gradients of two errors of equal size, by differentiation"),
        _answer("B.loss.gamma_large", tends, note),
    ]


def _memory(frame: pd.DataFrame) -> Answer:
    half, single = _values(frame, "16 bits"), _values(frame, "32 bits")
    note = (
        f"values of 16 bits: {half['GiB']:.2f} GiB (2^30 bytes), which is {half['GB']:.2f} GB; in float32, which the "
        f"operators compute in, {single['GiB']:.2f} GiB"
    )
    return _answer("B.speed.memory", half["GiB"], note)


def _ranks(frame: pd.DataFrame, source: str) -> Answer:
    numbers, cases = OverSeeds(frame), ("no mask", "masked cells last", "masked cells as 0")
    plain, last, zeros = (numbers.find(f"{source} rank: return: {case}", "agree").value for case in cases)
    note = (
        f"{source}, the day's returns: equal to the average rank in {plain:.1%} of the cells, because ties get "
        f"different ranks; with masked cells ranked last in {last:.1%}, with zeros in them in {zeros:.1%}"
    )
    return _answer("A.rank.double_argsort", float(min(plain, last, zeros) == 1), note)


def _rolling(frame: pd.DataFrame, source: str) -> Answer:
    numbers, metrics = OverSeeds(frame), ("error", "partial", "short")
    error, partial, short = (numbers.find(f"{source} rolling: masked", metric).value for metric in metrics)
    ahead = _values(frame, "convolution").get("days ahead, last rows", math.nan)
    note = (
        f"{source}: the first rows of the output are the rolling sum where no cell is masked (largest relative "
        f"error {error:.0e}); in {partial:.1%} of the cells a window is not whole, and it gives a number all the same; "
        f"as printed the output has more rows than days, and the last ones read {ahead:.0f} days ahead"
    )
    return _answer("A.conv.rolling", float(error <= EXACT and partial <= short), note)


def _transformer_note(frame: pd.DataFrame) -> str:
    """At which width the claimed number of parameters holds, if at any."""
    table = transformer_table(frame)
    at, found = table[f"width {PACKAGE_WIDTH}"], table[FIRST_WIDTH].dropna()
    claimed = _claims()["B.params.transformer"].claimed
    start = (
        f"The authors' package has a width of {PACKAGE_WIDTH}, which gives {at.min():,.0f} to {at.max():,.0f} "
        f"parameters and not {claimed:,.0f}"
    )
    if found.empty:
        return f"{start}; no width that the four heads divide gives that number"
    widths = ", ".join(f"{width:.0f}" for width in sorted(set(found)))
    most = int(table["widths that give it"].max())
    return f"{start}; of the widths that the heads divide, {most} gives it to the two digits printed: {widths}"
