"""The first page and the scoreboard: what the studies found, and where every claim of the papers stands.

Both read recorded results only. Every study is asked for its findings through `STUDY.page.findings`; what stands first
is the editor's choice: CHOICE for the sentences, PICTURE for the figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.paper.claims import load_ledger, scoreboard
from lib.paper.claims import verdicts as v
from lib.paper.claims.words import in_words, place
from lib.paper.pages import html, plot, table
from lib.paper.pages.claims import WITHOUT_UNIT
from lib.paper.pages.described import describe, of_rows
from lib.paper.pages.findings import Finding
from lib.paper.pages.sortable import sortable
from lib.paper.pages.tables import text_of
from lib.stats.estimates import Estimate, Numbers
from lib.stats.over_seeds import OverSeeds
from lib.studies import recorded, recorded_studies
from lib.studies.claims.said import RECORDED_SCALE as RECORDED_SCALE
from lib.studies.claims.said import Said, age, everything_said, is_evidence, link
from lib.studies.claims.words import contradictions, verdict_class

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lib.paper.claims.ledger import Claim

FIRST = 6  # findings on the first page
#: the editor's choice for the first page, the most important first: of each line the first study that has a finding
CHOICE = (
    ("own_setting_mask", "own_setting_ladder"),
    ("mask_ablation_real", "mask_ablation"),
    ("main_results", "ablation"),
    ("contamination", "window_travel"),
    ("phantom_alpha", "regimes", "other_markets"),
    ("paper_panel", "calibration", "controls", "interval_coverage", "factor_universe"),
)
#: what each line of CHOICE answers
QUESTIONS = (
    "Does the mask earn more where the papers test it?",
    "Which part of the mask helps?",
    "What is the papers' whole system worth?",
    "Do rolling windows have to skip limit closes?",
    "What looks good without a mask and cannot be traded?",
    "Can the test data show what is claimed?",
)


@dataclass(frozen=True)
class Comparison:
    """A row of the figure of the first page: a paired difference of Sharpe ratios, and what the papers claim of it."""

    label: str
    study: str
    variant: str
    gross: tuple[str, ...] = ("executed_open.active_sharpe_gross",)
    net: tuple[str, ...] = ("executed_open.active_sharpe", "executed_open.sharpe")
    claim: str = ""


#: how labels end of what is measured where the papers measure it
OWN = "papers' simulated prices"
#: where a component of the papers' ablation is measured in their own setting: metrics before and after costs
_LADDER = ("literal.0bps.sharpe",), ("literal.8bps.sharpe",)
#: the editor's choice for the figure: what masking adds, everything together and then rolling windows alone; then the
#: other components of the papers' ablation
PICTURE = (
    Comparison(f"everything masked,\n{OWN}", "own_setting_mask", "full - none ridge | all factors",
               ("zero.0bps.sharpe",), ("zero.8bps.sharpe",), "B.ablation.no_mask.delta_sharpe"),
    Comparison("everything masked,\nmarket with a known truth", "mask_ablation", "mask_paper - none ridge",
               claim="B.ablation.no_mask.delta_sharpe"),
    Comparison("everything masked,\nreal prices", "mask_ablation_real", "mask_paper - none ridge",
               claim="B.mask.real.delta_sharpe"),
    Comparison("rolling windows alone,\nmarket with a known truth", "mask_ablation", "mask_skip - row_deletion ridge"),
    Comparison("rolling windows alone,\nreal prices", "mask_ablation_real", "mask_skip - row_deletion ridge"),
    *(Comparison(f"{what},\n{OWN}", "own_setting_ladder", variant, *_LADDER,
                 f"B.ablation.{name}.delta_sharpe")
      for what, name, variant in (
          ("loss AdjMSE for MSE", "no_adjmse", "full - no AdjMSE"),
          ("added synthetic panel", "no_augmentation", "full - no augmentation"),
          ("shrunk covariance", "no_shrinkage", "full - no shrinkage"),
          ("Transformer for MLP", "no_transformer", "full, Transformer - no Transformer"),
      )),
)  # fmt: skip

#: the two components that the papers credit with most, where the papers measure them
LARGEST = tuple(f"{what},\n{OWN}" for what in ("everything masked", "loss AdjMSE for MSE"))

#: what a verdict means for a reader, in the order of the figure; verdicts that are not named here decide nothing
FITS, SIGN_ONLY, DIFFERS, OPEN, WAITING = "fits", "sign only", "does not fit", "undecided", "not yet studied"
OUTCOMES = (FITS, SIGN_ONLY, DIFFERS, OPEN, WAITING)
OUTCOME_OF = {
    **dict.fromkeys((v.REPRODUCED, v.COMPATIBLE, v.AGREES_ELSEWHERE), FITS),
    **dict.fromkeys((v.NEGLIGIBLE, v.NOT_REPRODUCED, v.CONTRADICTED, v.NOT_CARRIED), DIFFERS),
    v.DIRECTION_ONLY: SIGN_ONLY,
    v.NOT_STUDIED: WAITING,
}
#: parts of the papers -> how the ids of their claims begin
PARTS = {
    "what the mask is worth": ("B.mask.", "B.appB.", "B.paradox."),
    "whole system and its parts": ("B.ablation.", "B.main.", "B.dsr"),
    "loss functions": ("B.loss.",),
    "portfolio": ("B.portfolio.", "B.solver.", "A.portfolio."),
    "factors": ("B.factors.", "A.bias.", "A.universe."),
    "synthetic training data": ("B.augment.",),
    "models": ("A.models.", "B.interaction."),
    "speed": ("B.speed.", "A.speed."),
    "regimes and episodes": ("B.regime.", "B.case."),
    "stories from practice": ("B.story.",),
    "formulas and counts": ("B.params.", "A.rank.", "A.conv.", "A.gbm."),
}


# ------------------------------------------------------------------------------------------ findings


def chosen(said: Sequence[Said]) -> list[Said]:
    """The studies of the first page, FIRST at most: the first of each line of CHOICE, then what the lines have left."""
    known = {item.page: item for item in said}
    first = [next((name for name in line if name in known), "") for line in CHOICE]
    rest = [name for line in CHOICE for name in line if name in known and name not in first]
    return [known[name] for name in [*filter(None, first), *rest][:FIRST]]


def first_findings(recorded_scale: str | None = None) -> HTML:
    """The first page's findings: a question, one sentence of the chosen study, and the link to its page."""
    asked = {name: question for line, question in zip(CHOICE, QUESTIONS, strict=True) for name in line}
    lines = [
        f"<li><strong>{escape(asked[item.page])}</strong> {escape(item.findings[0].text)} {link(item)}{age(item)}</li>"
        for item in chosen(everything_said(recorded_scale))
    ]
    return html(f'<ol class="findings">{"".join(lines)}</ol>' if lines else "<p>Nothing is recorded yet.</p>")


def all_findings(recorded_scale: str | None = None) -> HTML:
    """Every finding of every recorded study that holds, under the link to its page."""
    parts = [
        f"<p>{link(item)}{age(item)}</p><ul>{''.join(f'<li>{escape(one.text)}</li>' for one in item.findings)}</ul>"
        for item in everything_said(recorded_scale)
    ]
    return html("".join(parts) or "<p>Nothing is recorded yet.</p>")


# ------------------------------------------------------------------------------ claimed and measured


def claimed_and_measured(recorded_scale: str | None = None) -> pd.DataFrame:
    """The rows of PICTURE that were recorded: label, claimed, and the measured differences gross and net of costs."""
    claims = {claim.id: claim.claimed for claim in load_ledger()}
    available = {study.name: study for study in recorded_studies()}
    rows = []
    for item in PICTURE:
        if item.study not in available or not is_evidence(record := recorded(available[item.study], recorded_scale)):
            continue
        numbers = OverSeeds(record.frame)
        gross, net = (_first_known(numbers, item.variant, names) for names in (item.gross, item.net))
        if not math.isnan(gross.value) or not math.isnan(net.value):
            claimed = claims.get(item.claim)  # the ledger has what is lost without the mask: a negative number
            row = {"comparison": item.label, "claimed": math.nan if claimed is None else abs(claimed)}
            rows.append(row | gross.columns("gross") | net.columns("net") | {"study": item.study})
    return pd.DataFrame(rows)


def _first_known(numbers: Numbers, variant: str, metrics: Sequence[str]) -> Estimate:
    """The first metric that was recorded of a variant, under any condition: the papers' limit rates first."""
    names = [name for name in numbers.variants if name.partition(" | ")[0] == variant.partition(" | ")[0]]
    ordered = sorted(names, key=lambda name: (name != variant, "paper limits" not in name, len(name)))
    found = (numbers.find(name, metric) for name in ordered for metric in metrics)
    return next((item for item in found if not math.isnan(item.value)), Estimate(math.nan))


def picture_finding(rows: pd.DataFrame) -> Finding:
    """The title of the figure: what the two largest components of the papers earn where the papers measure them."""
    own = rows[rows["comparison"].isin(LARGEST)] if len(rows) else rows
    saved = len(own) == len(LARGEST) and all(
        row["gross.low"] <= 0 <= row["gross.high"] < row["claimed"] and row["net.low"] > 0
        for row in own.to_dict("records")
    )
    return Finding("On the papers' simulated prices mask and loss add only what they save in costs", holds=saved)


def picture(recorded_scale: str | None = None) -> HTML:
    """What the mask and the other components add to the Sharpe ratio: claimed, measured gross and net of costs."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    rows = claimed_and_measured(recorded_scale)
    if rows.empty:
        return html("<p>No comparison of books is recorded yet.</p>")
    dots = {
        str(row["comparison"]): [
            Estimate(row["claimed"]), *(Estimate(*(row[name + end] for end in ("", ".low", ".high")))
                                        for name in ("gross", "net"))]
        for row in rows.to_dict("records")
    }  # fmt: skip
    title = picture_finding(rows).title("What each component adds to the Sharpe ratio: claimed and measured")
    return plot(
        forest(
            dots, title, "Sharpe ratio added (annualised)",
            series=("papers", "ours, before costs", "ours, after costs"), colors=(VERMILLION, GREY, BLUE),
            note="95 % intervals; masks: ridge regression, other components: the papers' networks; orders filled at "
            "the next open where limits allow (papers' simulated prices: at the close)"
            + "; no grey dot: not recorded before costs" * bool(rows["gross"].isna().any()),
        )
    )  # fmt: skip


# ---------------------------------------------------------------------------------------- scoreboard


def board_of_records(recorded_scale: str | None = None) -> pd.DataFrame:
    """Every claim with its verdict from recorded results, its part of the papers and what the verdict means."""
    found = (recorded(study, recorded_scale) for study in recorded_studies())
    board = scoreboard(answer for record in found if not record.plumbing for answer in record.answers())
    outcomes = [outcome(*pair) for pair in zip(board["verdict"], board["agrees"], strict=True)]
    return board.assign(part=[part_of(name) for name in board["id"]], outcome=outcomes)


def part_of(claim_id: str) -> str:
    """The part of the papers that a claim belongs to.

    >>> part_of("B.loss.mse.sharpe")
    'loss functions'
    """
    return next(part for part, heads in PARTS.items() if claim_id.startswith(heads))


def outcome(verdict: str, agrees: bool | None) -> str:
    """What a verdict means for a reader; arithmetic fits where it agrees."""
    if verdict == v.ARITHMETIC:
        return FITS if agrees else DIFFERS
    return OUTCOME_OF.get(verdict, OPEN)


def state(board: pd.DataFrame) -> Finding:
    """How many claims were checked, and how that went."""
    counts = {name: int((board["outcome"] == name).sum()) for name in OUTCOMES}
    checked = len(board) - counts[WAITING]
    numbers = {"checked": str(checked), "fit": str(counts[FITS]), "sign": str(counts[SIGN_ONLY]),
               "differ": str(counts[DIFFERS]), "open": str(counts[OPEN])}  # fmt: skip
    how = ": {fit} fit, {sign} have the right sign only, {differ} do not fit, and {open} cannot be decided."
    if not counts[WAITING]:
        return Finding("All {checked} numbers in the two papers have been checked here" + how, **numbers, holds=True)
    what = "Of {all} numbers in the two papers {checked} have been checked here"
    return Finding(what + how, all=str(len(board)), **numbers, holds=checked > 0)


def own_setting(board: pd.DataFrame) -> Finding:
    """How many of the checked claims were measured as the papers measured them."""
    same = int(((board["outcome"] != WAITING) & (board["setting"] == "same")).sum())
    return Finding(
        "For {same} of them the papers' own setting could be had. For all others the data or the size differ: a number "
        "that does not fit does not carry over to our setting, and is not refuted in the papers'.",
        same=str(same), holds=True,
    )  # fmt: skip


def headline(board: pd.DataFrame) -> HTML:
    """The state of the claims: how many fit, and how many were measured in the papers' own setting."""
    if not (found := state(board)).holds:
        return html("<p><strong>No claim has been checked yet.</strong></p>")
    return html(f"<p><strong>{escape(found.text)}</strong> {escape(own_setting(board).text)}</p>")


def by_part(board: pd.DataFrame) -> HTML:
    """Figure: the claims of each part of the papers by what their verdicts mean."""
    counts = board.groupby(["part", "outcome"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=[part for part in PARTS if part in counts.index], columns=list(OUTCOMES))
    return plot(_stacked(counts.fillna(0), state(board).title("No claim has been checked yet")))


def _stacked(counts: pd.DataFrame, title: str) -> Figure:
    """Counts [part, outcome] as one bar per part, each outcome in its colour with its number."""
    from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, styled

    colors = dict(zip(OUTCOMES, (GREEN, BLUE, VERMILLION, GREY, "#DDDDDD"), strict=True))

    @styled
    def draw() -> Figure:
        figure, (ax,) = canvas(1, 0.9 + 0.32 * len(counts), title, "recorded results only")
        left = pd.Series(0.0, index=counts.index)
        for name in OUTCOMES:
            ax.barh(range(len(counts)), counts[name], left=left, height=0.66, color=colors[name], alpha=0.9)
            for row, (start, number) in enumerate(zip(left, counts[name], strict=True)):
                if number >= 2:
                    ax.text(start + number / 2, row, f"{number:.0f}", ha="center", va="center", fontsize=8.5,
                            color="#222222" if name == WAITING else "white")  # fmt: skip
            left = left + counts[name]
        ax.set_yticks(range(len(counts)), list(counts.index))
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("claims")
        _key(ax, colors)
        told = {str(part): [float(counts.loc[part, name]) for name in OUTCOMES] for part in counts.index}
        return describe(figure, of_rows(told, "number of claims", OUTCOMES))

    return draw()


def _key(ax: Axes, colors: Mapping[str, str]) -> None:
    """The outcomes in their colours, over the bars from the left end of the figure on."""
    left = -150.0
    for name, color in colors.items():
        ax.annotate(f"\N{BLACK SQUARE} {name}", (0, 1), xycoords="axes fraction", xytext=(left, 6), fontsize=8.5,
                    textcoords="offset points", color=color if name != WAITING else "#888888")  # fmt: skip
        left += 6.0 * len(name) + 20


def every_claim(board: pd.DataFrame) -> HTML:
    """All claims in one table that sorts by its headings and filters by part, verdict, setting and words."""
    shown = board.sort_values("outcome", key=lambda column: column == WAITING, kind="stable")
    ledger = {claim.id: claim for claim in load_ledger()}
    rows = [
        {"claim": _claim(ledger[row["id"]]), "in the papers": escape(place(ledger[row["id"]])),
         "paper": "" if _is_yes_or_no(ledger[row["id"]]) else _short(row["claimed"]),
         "ours": "" if _is_yes_or_no(ledger[row["id"]]) else _ours(row),
         "verdict": _verdict(row), "setting": row["setting"],
         "evidence": _page(row["page"])}
        for row in shown.to_dict("records")
    ]  # fmt: skip
    filters = {name: list(shown[name]) for name in ("part", "outcome", "verdict", "setting")}
    return sortable(rows, board, "claims_all", filters=filters, numbers=("paper", "ours"))


def _is_yes_or_no(claim: Claim) -> bool:
    return claim.unit == "bool"


def _claim(claim: Claim) -> str:
    unit = "" if claim.unit in WITHOUT_UNIT else f", {claim.unit}"
    return escape(f"{in_words(claim)}{unit}")


def _ours(row: Mapping[Any, Any]) -> str:
    ends = [_short(end) for end in (row["low"], row["high"])]
    interval = f' <span class="ends">[{ends[0]}, {ends[1]}]</span>' if all(ends) and row["low"] != row["high"] else ""
    seeds = f' <span class="ends">{row["markets"]} markets</span>' if row["markets"] else ""
    return _short(row["ours"]) + interval + seeds


def _short(value: float | None) -> str:
    """Three significant digits, without an exponent; nothing for a missing number."""
    return text_of(value)


def _verdict(row: Mapping[Any, Any]) -> str:
    badge = f'<span class="verdict {verdict_class(row["verdict"])}">{escape(row["verdict"])}</span>'
    agreed = "" if row["agrees"] is None else "agrees" if row["agrees"] else "does not agree"
    return f'{badge} <span class="ends">{agreed}</span>' if agreed else badge


def contradicted() -> HTML:
    """Where the papers contradict themselves or arithmetic."""
    heads = {"where": "where", "stated": "what is stated", "against": "what stands against it"}
    return table(contradictions(), "claims_contradictions", columns=heads)


def _page(name: str) -> str:
    return f'<a href="{escape(name, quote=True)}.html">{escape(name.replace("_", " "))}</a>' if name else ""
