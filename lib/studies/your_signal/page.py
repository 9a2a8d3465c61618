"""One page about a reader's own signal, as a file of its own: three sentences, then the numbers behind them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.evaluation.scoring import COST_BPS
from lib.evaluation.signal import LAGS, QUANTILES, SignalCheck, check_signal
from lib.evaluation.signal_file import read_signal
from lib.paper.pages import html, plot, table
from lib.paper.pages.findings import Finding, outcome
from lib.stats.estimates import Estimate
from lib.store.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from IPython.display import HTML

    from lib.panel import Panel

CLOSE, OPEN = "every order filled at the close", "executed at the next open"
RETURN, PHANTOM = "return over equal weight, a year", "phantom alpha, a year"
#: confidence that is asked for before a Sharpe ratio counts as more than chance
CONFIDENCE = 0.95
#: the style of a page that has none of a site
STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif; }
body { color: #1c2430; } h2 { margin-top: 2.2rem; } figure { margin: 1rem 0; } img { max-width: 100%; }
.answer { padding: .6rem 1rem; border-left: 4px solid #0072b2; background: #f2f5f9; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; color: #555; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left; }
.number { text-align: right; white-space: nowrap; } .ends { color: #667; font-size: .85em; }
.scroll { overflow-x: auto; }
.small { color: #555; font-size: .85rem; } a.csv { font-size: .8rem; }
@media (prefers-color-scheme: dark) {
  body { background: #14181f; color: #dfe5ee; } .answer { background: #1f2631; } th, td { border-color: #333c4a; }
  .ends, caption, .small { color: #9aa7b8; } img { background: white; }
}
"""


def verdict(found: SignalCheck) -> list[Finding]:
    """Three sentences: what the signal knows, what a book makes of it, what is left after the number of trials."""
    everything, buyable = (found.find("rank IC", "1 session", cells) for cells in ("all", "buyable"))
    gross, net = (found.find(RETURN, f"{OPEN}, {when}") for when in ("before costs", f"after {COST_BPS:g} bps a side"))
    phantom, chance = found.find(PHANTOM, "all refused orders"), found.find("trials", "deflated Sharpe ratio").value
    turnover = found.find("turnover a day", OPEN).value
    information = "rank IC {buyable:+.4f} on stocks that can be bought, {everything:+.4f} on all cells."
    invented = "a back-test that fills every order at the close invents {phantom:+.1%} a year."
    book = "A book of its top stocks, executed at the next open,"
    return [
        outcome(
            {
                f"The signal ranks the next day's returns: {information}": buyable.low > 0,
                f"The signal ranks the next day's returns the wrong way round: {information}": buyable.high < 0,
                f"The signal does not measurably rank the next day's returns: {information}": True,
            },
            buyable=buyable,
            everything=everything,
        ),
        outcome(
            {
                f"{book} earns {{net:+.1%}} a year over equal weight after costs ({{gross:+.1%}} before), trading "
                f"{{turnover:.0%}} of its value a day; {invented}": net.low > 0,
                f"{book} earns {{gross:+.1%}} a year over equal weight before costs and does not keep it after them "
                f"({{net:+.1%}}, at {{turnover:.0%}} of its value traded a day); {invented}": gross.low > 0,
                f"{book} does not measurably beat equal weight: {{gross:+.1%}} a year before costs, {{net:+.1%}} "
                f"after, trading {{turnover:.0%}} of its value a day; {invented}": True,
            },
            gross=gross,
            net=net,
            turnover=turnover,
            phantom=phantom,
        ),
        outcome(
            {
                "As the best of {trials} trials its Sharpe ratio after costs beats what chance gives, with a "
                "confidence of {chance:.0%}.": chance >= CONFIDENCE,
                "As the best of {trials} trials its Sharpe ratio after costs is not beyond what chance gives: the "
                "confidence is {chance:.0%}.": True,
            },
            chance=chance,
            trials=str(found.trials),
        ),
    ]


def page(found: SignalCheck, panel: Panel, name: str, prices: str) -> str:
    """The page as HTML text without a link to anything outside it."""
    sentences = "".join(f"<li>{escape(item.text)}</li>" for item in verdict(found))
    parts = [
        f"<h1>{escape(name)}: how much of it can be had?</h1>",
        f'<div class="answer"><ul>{sentences}</ul></div>',
        f'<p class="small">Prices: {escape(prices)}, {panel.dates[0]} to {panel.dates[-1]}, {panel.shape[1]} symbols. '
        f"Intervals at 95 %: Newey-West for ICs, resampled blocks of days for returns.</p>",
        _rows(found),
        *(_section(found, *own) for own in SECTIONS),
        "<h2>Pictures</h2>",
        *(str(item.data) for item in _figures(found)),
    ]
    title = f"<title>{escape(name)}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}<style>{STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


#: part of the check, heading, what it says, format, whether both kinds of cells are shown
SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("coverage", "Coverage", "Which members have a signal, and which of its favourites cannot be bought.", ".1%"),
    ("rank IC", "Rank IC by horizon", "Spearman correlation with the return over so many sessions.", "+.4f"),
    ("IC", "IC by horizon", "Pearson correlation with the same returns.", "+.4f"),
    ("rank IC by year", "Rank IC by year", "With the next session's return.", "+.4f"),
    ("rank IC by limit-ups", "Days with few and with many limit-ups",
     "An IC that rises with the number of limit-up closes on all cells, and not on those that can be bought, is paid "
     "for moves that no order can have.", "+.4f"),
    ("return by quantile, bps", "Return by quantile of the signal",
     "Next session's return over the mean of the day, lowest fifth first.", "+.2f"),
    (RETURN, "Books: return", "Equal weight in the top stocks with a buffer, over equal weight in all.", "+.1%"),
    ("Sharpe ratio over equal weight", "Books: Sharpe ratio", "Of the same daily differences, a year.", "+.2f"),
    ("turnover a day", "Books: turnover", "Bought plus sold over the value of the book.", ".1%"),
    (PHANTOM, "Phantom alpha",
     "What a back-test earns a year by filling orders that the market refuses, each reason alone.", "+.1%"),
)  # fmt: skip


def _rows(found: SignalCheck) -> str:
    kept = int((found.signal.values == found.signal.values).sum())
    lost = "".join(f"<li>{count:,}: {escape(reason)}</li>" for reason, count in found.signal.lost.items())
    lines = f"<ul>{lost}</ul>" if lost else ""
    read = f"{found.signal.rows:,} rows read, {kept:,} matched to a price. Not used:{lines or ' none.'}"
    return f"<h2>Rows</h2><p>{read}</p>"


def _section(found: SignalCheck, part: str, heading: str, text: str, form: str) -> str:
    frame = found.table(part)
    if frame.empty:
        return ""
    shown = frame.reset_index().rename(columns={part: "what"})
    columns = {"what": "", "all": "all cells", "buyable": "can be bought"}
    if "buyable" not in shown:
        columns = {"what": "", "all": "value"}
    own = table(shown, f"signal_{part.split(',')[0].replace(' ', '_')}", columns=columns,
                formats={"all": form, "buyable": form})  # fmt: skip
    return f"<h2>{escape(heading)}</h2><p>{escape(text)}</p>{own.data}"


def _figures(found: SignalCheck) -> Sequence[HTML]:
    from lib.paper.pages.forms import Line, bars, lines_by_group

    sessions = [float(lag + 1) for lag in range(LAGS)]
    lines = [Line(name, sessions, [found.find("decay of the rank IC", f"session {int(k)}", cells) for k in sessions])
             for name, cells in (("all cells", "all"), ("can be bought", "buyable"))]  # fmt: skip
    title = "Rank IC by session after the signal"
    decay = lines_by_group({"": lines}, title, "session after the signal", "rank IC", zero=True)
    groups = [f"{k} of {QUANTILES}" for k in range(1, QUANTILES + 1)]
    rows: dict[str, Estimate | float] = {
        f"fifth {group}": found.find("return by quantile, bps", group, "buyable") for group in groups
    }
    title = "Next session's return by fifth of the signal, stocks that can be bought"
    money = bars(rows, title, "basis points over the mean of the day", form="+.1f")
    return [plot(decay), plot(money)] if rows else [html("")]


def write_page(
    signal: Path | str, prices: Path | str, out: Path | str, *, market: str = "cn", universe: str | None = None,
    horizons: Sequence[int] = (1, 5, 20), trials: int = 1,
) -> SignalCheck:  # fmt: skip
    """Read, check and write OUT.html and OUT.csv; returns the numbers.

    Raises LoadError and ParameterError as `load_panel`, `read_signal` and `check_signal` do.
    """
    from lib.load import load_panel

    chosen: Any = market
    panel = load_panel(prices, market=chosen, universe=universe)
    found = check_signal(panel, read_signal(signal, panel), horizons=horizons, trials=trials)
    target = Path(out)
    text = page(found, panel, Path(signal).name, Path(prices).name)
    write_bytes(target.with_suffix(".html"), text.encode())
    write_bytes(target.with_suffix(".csv"), found.frame().to_csv(index=False).encode())
    return found
