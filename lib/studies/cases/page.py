"""The page "cases": what a mask does in a scripted crash, a rally and a theme rotation, executed and as it seems."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.scripted import PIPELINE_NAMES, PIPELINES
from lib.market import EPISODES
from lib.paper.claims import Answer, load_ledger
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer
from lib.paper.pages.findings import Finding, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.pieces import html
from lib.paper.pages.tables import Format, text_of
from lib.stats.estimates import MINUS, Estimate
from lib.stats.over_seeds import OneMarket, OverSeeds, interval_table, sources_of
from lib.studies.cases.measure import DIFFERENCES, LEVELS, PAIRS

if TYPE_CHECKING:
    import numpy as np
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Paper B tells of a crash, a rally and a theme rotation, one path each. Repeated over many simulated markets, does "
    "a mask shrink the loss in a crash, does it cost return in a rally, and what of it can be earned?"
)
ADVICE = (
    "Compare a mask with no mask on executed orders only: with every order filled, the unmasked side is paid for "
    "trades that could not be made.",
    "Do not expect a mask to protect a portfolio in a crash: it decides which stocks are bought, not how much is held.",
    "Repeat an episode over many simulated markets before believing a story: a window of a few weeks is one path.",
)
EPISODE_NAMES = {"crash": "crash", "policy_rally": "policy rally", "theme_rotation": "theme rotation"}
NAMES = PIPELINE_NAMES | {"mlp": "MLP, windows skip masked days", "market": "holder of every stock"}
FILLED, EXECUTED = "naive_close.total_return", "executed_open.total_return"
DRAWDOWN, GROSS = "executed_open.max_drawdown", "executed_open.annual_gross"
#: sessions of a year
YEAR = 243
FACTS = (
    "sessions", "limit_up", "limit_down", "masked_per_session", "excluded_ratio", "market.total_return",
    "market.max_drawdown",
)  # fmt: skip
#: scripted episode -> windows that look like it
LIKE = {
    "crash": ("June to August 2015", "January 2016", "April 2022"),
    "policy_rally": ("24 September to 11 October 2024",),
    "theme_rotation": ("2023 Q1",),
}


@dataclass(frozen=True)
class Case(OneMarket):
    """The numbers of one scripted episode over its markets, or of one window of a price file."""

    window: str = "episode"

    @property
    def title(self) -> str:
        return f"scripted {EPISODE_NAMES[self.source]}" if self.source in EPISODES else self.window

    def fact(self, metric: str) -> Estimate:
        """What the market did."""
        return self.numbers.find(f"{self.source} market facts {self.window}", metric)

    def level(self, pipeline: str, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} {pipeline} {self.window}", metric)

    def difference(self, left: str, right: str, metric: str) -> Estimate:
        """left minus right; returns and drawdowns in percentage points."""
        found = self.level(f"{left} - {right}", metric)
        return found.times(100) if metric in (FILLED, EXECUTED, DRAWDOWN) else found

    def before_costs(self, left: str, right: str) -> Estimate:
        """left minus right in return gross of costs over the episode, percentage points; not in older records."""
        return self.difference(left, right, GROSS).times(100 * self.fact("sessions").value / YEAR)


def scripted(frame: pd.DataFrame) -> list[Case]:
    """The scripted episodes of a frame."""
    there = sources_of(frame)
    return [Case.of(frame, name) for name in EPISODES if name in there]


def real(frame: pd.DataFrame) -> list[Case]:
    """The windows of real history, if a price file was given."""
    numbers = OverSeeds(frame)
    files = [source for source in sources_of(frame) if source not in EPISODES]
    return [Case(numbers, source, name) for source in files for name in windows(frame, source)
            if not name.startswith("before")]  # fmt: skip


def windows(frame: pd.DataFrame, source: str) -> list[str]:
    """Groups of days of a source in the order of the frame: before, episode, after, or real windows."""
    head = f"{source} market facts "
    return list(dict.fromkeys(str(v).removeprefix(head) for v in frame["variant"] if str(v).startswith(head)))


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says of the scripted episodes that were run."""
    found = {case.source: case for case in scripted(frame)}
    makers = (("policy_rally", (_missed, _lag)), ("crash", (_hidden, _fall, _gross)), ("theme_rotation", (_rotation,)))
    said = [make(found[name]) for name, parts in makers if name in found for make in parts]
    return [item for item in said if item is not None]


def _missed(rally: Case) -> Finding:
    """The unmasked system against the market in the rally, with every order filled and as executed."""
    naive, executed = (rally.difference("none", "market", metric) for metric in (FILLED, EXECUTED))
    shows = "In a policy rally the unmasked system with every order filled"
    gone = naive.low > 0 and executed.low <= 0
    return outcome({
        f"{shows} beats the market by {{naive:+.1f}} percentage points; executed it does not ({{executed:+.1f}}). What "
        "a mask seems to miss could not have been earned.": gone,
        f"{shows} beats the market by {{naive:+.1f}} percentage points; executed it still does, by {{executed:+.1f}}.":
            naive.low > 0 and executed.low > 0,
        f"{shows} does not measurably beat the market ({{naive:+.1f}} percentage points); executed the difference is "
        "{executed:+.1f}.": naive.low <= 0,
    }, naive=naive, executed=executed)  # fmt: skip


def _lag(rally: Case) -> Finding:
    """Whether the masked system lags the market, as the papers say."""
    gap = rally.difference("mask_skip", "market", EXECUTED)
    return outcome({
        "In the rally the masked system does not lag the market, unlike that of the papers: executed, it is ahead by "
        "{gap:+.1f} percentage points after costs.": gap.low > 0,
        "In the rally the masked system lags the market, like that of the papers: executed, by {gap:+.1f} percentage "
        "points after costs.": gap.high < 0,
        "In the rally the masked system is neither measurably ahead of the market nor behind it: executed, "
        "{gap:+.1f} percentage points after costs.": gap.low <= 0 <= gap.high,
    }, gap=gap)  # fmt: skip


def _hidden(crash: Case) -> Finding:
    """Mask against no mask in the crash, with every order filled and as executed."""
    naive, executed = (crash.difference("mask_skip", "none", metric) for metric in (FILLED, EXECUTED))
    sentence = (
        "masked minus unmasked, after costs, the return is {naive:+.1f} percentage points with every order filled and "
        "{executed:+.1f} executed."
    )
    wrong = naive.high < 0 and executed.low > 0
    return outcome({
        f"In a crash, filling every order turns the sign of what a mask does: {sentence}": wrong,
        f"In a crash, a mask seems to cost return only while every order is filled: {sentence}":
            naive.high < 0 and not executed.high < 0,
        f"What a mask changes in a crash: {sentence}": True,
    }, naive=naive, executed=executed)  # fmt: skip


def _fall(crash: Case) -> Finding:
    """Whether the mask makes the fall smaller, and whether it shelters from the market."""
    gap, market = (crash.difference("mask_skip", "none", DRAWDOWN), crash.difference("mask_skip", "market", DRAWDOWN))
    smaller, no_shelter, masked = gap.high < 0, market.high >= 0, "Executed, the masked system has"
    return outcome({
        f"{masked} a smaller drawdown in a crash than the unmasked one ({{gap:+.1f}} percentage points), but not a "
        "measurably smaller one than a holder of every stock ({market:+.1f}): a mask is no shelter.":
            smaller and no_shelter,
        f"{masked} a smaller drawdown in a crash than the unmasked one ({{gap:+.1f}} percentage points), and than a "
        "holder of every stock ({market:+.1f}).": smaller and not no_shelter,
        f"{masked} a deeper drawdown in a crash than the unmasked one ({{gap:+.1f}} percentage points); against a "
        "holder of every stock it is {market:+.1f}.": gap.low > 0,
        f"{masked} no measurably different drawdown in a crash than the unmasked one ({{gap:+.1f}} percentage "
        "points); against a holder of every stock it is {market:+.1f}.": gap.low <= 0 <= gap.high,
    }, gap=gap, market=market)  # fmt: skip


def _gross(crash: Case) -> Finding | None:
    """Mask against no mask before costs; None where the rows do not have it."""
    gross, net = crash.before_costs("mask_skip", "none"), crash.difference("mask_skip", "none", EXECUTED)
    if math.isnan(gross.value):
        return None
    return outcome({
        "What a mask gains in a crash is there before costs: {gross:+.1f} percentage points of return, {net:+.1f} "
        "after costs.": gross.low > 0,
        "In a crash the masked system earns less before costs: {gross:+.1f} percentage points, {net:+.1f} after.":
            gross.high < 0,
        "Before costs a mask does not measurably change the return in a crash: {gross:+.1f} percentage points, "
        "{net:+.1f} after costs.": gross.low <= 0 <= gross.high,
    }, gross=gross, net=net)  # fmt: skip


def _rotation(rotation: Case) -> Finding | None:
    """Which of ridge and MLP ranks the theme higher; None where they were not compared."""
    tilt = rotation.difference("mlp", "mask_skip", "theme_tilt").times(100)
    money = rotation.difference("mlp", "mask_skip", EXECUTED)
    if math.isnan(tilt.value):
        return None
    beside = "{tilt:+.1f} percentiles of rank, {money:+.1f} percentage points of executed return."
    return outcome({
        f"In a theme rotation the MLP ranks the theme's stocks higher than ridge does: {beside}": tilt.low > 0,
        f"In a theme rotation the MLP ranks the theme's stocks lower than ridge does: {beside}": tilt.high < 0,
        f"In a theme rotation the MLP does not see the theme measurably better than ridge: {beside}":
            tilt.low <= 0 <= tilt.high,
    }, tilt=tilt, money=money)  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def one_market(shown: PageResult) -> HTML:
    """The first market of this build in each episode: one path, not the message."""
    first = shown.build.settings["seeds"][0]
    pictures = {
        EPISODE_NAMES[name]: plot(episode_figure(shown.build.arrays({"variant": name, "seed": first}), name,
                                                 "this build, one market"))
        for name in shown.build.settings["episodes"]
    }  # fmt: skip
    return tabs(pictures)


def episode_figure(arrays: Mapping[str, np.ndarray], episode: str, note: str = "") -> Figure:
    """Value of what a holder and three systems own, and the share masked or how the theme is ranked, by session."""
    import numpy as np

    from lib.paper.pages.style import BLUE, GREEN, GREY, VERMILLION, canvas, end_labels, styled, zero_line

    lines = (("market", "market", GREY), ("unmasked,\nevery order filled", "none naive", VERMILLION),
             ("unmasked,\nexecuted", "none executed", GREEN),
             ("windows skip\nmasked days,\nexecuted", "mask_skip executed", BLUE))  # fmt: skip
    around, count = int(arrays["around"]), len(arrays["market"])
    cut = slice(max(around - 20, 0), count - around + 20)
    day = (np.arange(count) - around)[cut]

    @styled
    def draw() -> Figure:
        title = f"One simulated market in a {EPISODE_NAMES[episode]}: a single path"
        figure, (top, low) = canvas(2, 4.6, title, note, sharex=True, height_ratios=(2, 1))
        for ax in (top, low):
            ax.axvspan(0, count - 2 * around - 1, color="#F0F0F0", linewidth=0, zorder=0)
        ends = []
        for name, key, color in lines:
            value = np.cumprod(1 + np.nan_to_num(arrays[key]))
            value = (100 * (value / value[around - 1] - 1))[cut]
            top.plot(day, value, color=color)
            ends.append((name, float(value[-1]), color))
        top.set_ylabel("return since the\nepisode began, %")
        end_labels(top, float(day[-1]), ends)
        if "mask_skip tilt" in arrays:
            tilts = [(name, 100 * arrays[key][cut], color) for name, key, color in
                     (("ridge", "mask_skip tilt", BLUE), ("MLP", "mlp tilt", VERMILLION)) if key in arrays]  # fmt: skip
            for _, tilt, color in tilts:
                low.plot(day, tilt, color=color)
            zero_line(low, vertical=False)
            low.set_ylabel("theme over rest,\npercentiles")
            end_labels(low, float(day[-1]), [(name, float(tilt[-1]), color) for name, tilt, color in tilts])
        else:
            low.fill_between(day, 100 * arrays["masked"][cut], color=VERMILLION, linewidth=0, step="mid")
            low.set_ylabel("stocks\nmasked, %")
        low.set_xlabel("session, 0 = the first of the episode (shaded)")
        return figure

    return draw()


#: paired differences that are drawn: label -> (left, right)
DRAWN = {
    f"windows skip masked\ndays {MINUS} unmasked": ("mask_skip", "none"),
    f"strict windows {MINUS} unmasked": ("mask_paper", "none"),
    f"unmasked {MINUS} market": ("none", "market"),
    f"windows skip masked\ndays {MINUS} market": ("mask_skip", "market"),
    f"MLP {MINUS} ridge, both with\nwindows that skip": ("mlp", "mask_skip"),
}


def differences(shown: PageResult) -> HTML:
    """Paired differences in return over an episode, executed and with every order filled, a tab for each episode."""
    from lib.paper.pages.forms import forest

    def picture(case: Case) -> HTML:
        rows = {text: [case.difference(*pair, metric) for metric in (FILLED, EXECUTED)] for text, pair in DRAWN.items()}
        rows = {text: items for text, items in rows.items() if not math.isnan(items[0].value)}
        naive, executed = (case.difference("none", "market", metric) for metric in (FILLED, EXECUTED))
        title = Finding("Every order filled, the unmasked system beats the market by more than executed",
                        holds=naive.low > executed.high)  # fmt: skip
        return plot(forest(rows, title.title(f"Differences in return: {case.title}"),
                           "difference in return over the episode, percentage points",
                           series=("every order filled", "executed, next open"),
                           note=f"{case.title}, after 8 bps a side; {shown.note}"))  # fmt: skip

    return tabs({EPISODE_NAMES[case.source]: picture(case) for case in scripted(shown.rows)})


# -------------------------------------------------------------------------------------------- tables


def fact_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What the market did: the scripted episodes with the days before and after them, and the windows of a file."""
    rows = {((EPISODE_NAMES | {"csi300": "CSI 300"}).get(source, source), name): f"{source} market facts {name}"
            for source in sources_of(frame) for name in windows(frame, source)}  # fmt: skip
    return interval_table(OverSeeds(frame), rows, FACTS, ("market", "days"))


def level_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """Windows, pipelines and the market down, measures across; columns that do not apply are left out."""
    rows = {
        (group, NAMES[name]): f"{source} {name} {group}" for group in groups for name in (*PIPELINES, "mlp", "market")
    }
    return interval_table(OverSeeds(frame), rows, LEVELS, ("days", "pipeline")).dropna(axis="columns", how="all")


def difference_table(frame: pd.DataFrame, source: str, groups: Sequence[str]) -> pd.DataFrame:
    """Paired differences, window by window."""
    rows = {
        (group, f"{NAMES[a]} {MINUS} {NAMES[b]}"): f"{source} {a} - {b} {group}" for a, b in PAIRS for group in groups
    }
    return interval_table(OverSeeds(frame), rows, DIFFERENCES, ("days", "compared")).dropna(axis="columns", how="all")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The levels of every window under each other."""
    return pd.concat(
        {name: level_table(frame, name, windows(frame, name)) for name in sources_of(frame)}, names=["source"]
    )


def facts(shown: PageResult) -> HTML:
    """What the market did in each episode."""
    heads = {"market": "market", "days": "days", "limit_up": "limit-up", "limit_down": "limit-down",
             "excluded_ratio": "stocks masked a day, times those of the days before",
             "market.total_return": "return"}  # fmt: skip
    share = partial(text_of, form=".1%")
    forms: dict[str, Format] = {"excluded_ratio": ".1f"}
    forms |= dict.fromkeys(("limit_up", "limit_down"), share)
    forms["market.total_return"] = partial(text_of, form="+.1%")
    return table(fact_table(shown.rows), "cases_markets", columns=heads, formats=forms,
                 caption="all simulated markets, and the real windows; stocks masked: of episodes only")  # fmt: skip


def levels(shown: PageResult) -> HTML:
    """What each pipeline earned and had refused, a tab for each episode."""
    heads = {"pipeline": "pipeline", FILLED: "return, all filled", EXECUTED: "return, executed",
             DRAWDOWN: "drawdown, executed", "refused_buys": "purchases refused a day"}  # fmt: skip
    forms: dict[str, Format] = {FILLED: "+.1%", EXECUTED: "+.1%", DRAWDOWN: ".1%"}
    forms["refused_buys"] = partial(text_of, form=".1f")
    return tabs({
        EPISODE_NAMES[case.source]: table(
            level_table(shown.rows, case.source, ["episode"]), f"cases_levels_{case.source}", columns=heads,
            formats=forms, caption=f"{case.title}, after 8 bps a side; {shown.note}")
        for case in scripted(shown.rows)
    })  # fmt: skip


def difference_tables(shown: PageResult) -> HTML:
    """Paired differences, a tab for each episode."""
    heads = {"compared": "compared", FILLED: "return, all filled", EXECUTED: "return, executed",
             DRAWDOWN: "drawdown, executed", GROSS: "return a year, before costs, executed"}  # fmt: skip
    forms = dict.fromkeys((GROSS, EXECUTED, FILLED, DRAWDOWN), "+.1%")
    return tabs({
        EPISODE_NAMES[case.source]: table(
            difference_table(shown.rows, case.source, ["episode"]), f"cases_differences_{case.source}", columns=heads,
            formats=forms, caption=f"{case.title}, after 8 bps a side, percentage points; {shown.note}")
        for case in scripted(shown.rows)
    })  # fmt: skip


def real_windows(shown: PageResult) -> HTML:
    """Windows of real history: one path each, as they happened."""
    heads = {"days": "days", "pipeline": "pipeline", FILLED: "return, all filled", EXECUTED: "return, executed",
             DRAWDOWN: "drawdown, executed"}  # fmt: skip
    found = real(shown.rows)
    if not found:
        return html("<p>No price file was given, so there are no windows of real history here.</p>")
    source = found[0].source
    rows = level_table(shown.rows, source, [case.window for case in found])
    plain = partial(text_of, form="+.1%")
    forms = {FILLED: plain, EXECUTED: plain, DRAWDOWN: partial(text_of, form=".1%")}
    return table(rows, f"cases_windows_{source}", columns=heads, formats=forms,
                 caption="CSI 300 members: one path each, after 8 bps a side, without intervals")  # fmt: skip


# ------------------------------------------------------------------------------------------------ claims

#: claim -> (scripted episode, the papers' window, what is measured, metric, factor to the claim's unit)
_ANSWERS = {
    "B.case.crash.drawdown_with": ("crash", "April 2022", "mask_paper", "naive_close.max_drawdown", 100.0),
    "B.case.crash.drawdown_without": ("crash", "April 2022", "none", "naive_close.max_drawdown", 100.0),
    "B.case.rally.underperforms": (
        "policy_rally", LIKE["policy_rally"][0], "mask_paper - market", "naive_close.total_return", 100.0,
    ),
}  # fmt: skip
#: claim -> (scripted episode, metric, factor, what is compared, why the script cannot answer it)
_COUNTED = {
    "B.case.crash.excluded": (
        "crash", "excluded_ratio", 1.0, "masked stocks a day over those of the 60 sessions before",
        "how many stocks a scripted crash locks is a choice of ours",
    ),
    "B.case.rally.limit_rate": (
        "policy_rally", "limit_up", 100.0, "limit-up closes",
        "how often limits bind in a scripted rally is a choice of ours",
    ),
}  # fmt: skip
EXCLUDED = "B.case.crash.excluded"
CLAIM_IDS = (*_ANSWERS, *_COUNTED)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """On the papers' own window where a price file was given, else on the scripted episode.

    Drawdowns and returns are the papers' own back-test, in which every order fills at the close. Counts of a scripted
    episode answer nothing, because the script decides them; `limit_events` counts the limit closes of a file.
    The claim about the Transformer (B.case.rotation.transformer) is answered by the study `rotation`.
    """
    found, kinds = OverSeeds(frame), {claim.id: claim.kind for claim in load_ledger()}
    files = [source for source in sources_of(frame) if source not in EPISODES]
    answers = []
    for claim_id, (episode, window, what, metric, unit) in _ANSWERS.items():
        item = answered(found, f"{files[0]} {what} {window}", metric, kinds[claim_id], unit) if files else {}
        note = f"CSI 300 members, {window}"
        if not item:
            item = answered(found, f"{episode} {what} episode", metric, kinds[claim_id], unit)
            note = f"simulated market, scripted {episode}"
        told = "no mask" if what == "none" else what.replace(" - ", " less ")
        answers += level_answer(claim_id, item, f"{note}: {told}, {metric}", "cases")
    return answers + _counts(found, files, kinds)


def _counts(found: OverSeeds, files: Sequence[str], kinds: Mapping[str, str]) -> list[Answer]:
    """The ratio of masked stocks counted in the file's crash; what the scripts hold, as a choice of ours."""
    answers = []
    for claim_id, (episode, metric, unit, what, choice) in _COUNTED.items():
        item = answered(found, f"{episode} market facts episode", metric, kinds[claim_id], unit)
        note = f"simulated market, scripted {episode}: {what}"
        answers += level_answer(claim_id, item, note, "cases", choice)
    window = LIKE["crash"][-1]
    ratio = found.find(f"{files[0]} market facts {window}", "excluded_ratio").value if files else math.nan
    if math.isfinite(ratio):
        note = f"CSI 300 members, {window}: {_COUNTED[EXCLUDED][3]}"
        answers.append(Answer(EXCLUDED, ratio, ratio, ratio, note=note, page="cases", census=True))
    return answers
