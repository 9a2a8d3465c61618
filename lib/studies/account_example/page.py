"""The page "account_example": ten days of a broker's statement, every yuan reckoned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.pages import plot, say, table
from lib.paper.pages.findings import Finding, listed
from lib.portfolio.fees import ITEMS
from lib.studies.account_example.measure import LINEAR, SYMBOLS, VOLUME, Account, billed, rules

if TYPE_CHECKING:
    from IPython.display import HTML, Markdown

HEADS = {"commission": "commission", "transfer": "transfer fee", "duty": "stamp duty", "spread": "half spread",
         "impact": "impact"}  # fmt: skip
YUAN = ",.2f"
#: a rule without a beginning in the dated tables
ALWAYS = "1900-01-01"
BOARDS = {"main": "main board", "chinext": "ChiNext", "star": "STAR", "bse": "Beijing", "SH": "Shanghai",
          "SZ": "Shenzhen", "BJ": "Beijing"}  # fmt: skip


def findings(account: Account) -> list[Finding]:
    """What the ten days show."""
    run, fills, days = account.statement, account.fills, account.days
    costs, left = float(fills[[*ITEMS]].to_numpy().sum()), float(days["equity"].iloc[-1])
    lost = account.capital - left - costs
    least = int((fills["commission"] == account.minimum).sum())
    hidden = 1 - float(billed(fills).sum()) / costs if costs else np.nan
    split = [-float(x) for x in fills.loc[(fills["symbol"] == SYMBOLS[0]) & (fills["shares"] < 0), "shares"][:2]]
    return [
        Finding("Of {capital:,.2f} yuan {left:,.2f} are left: the prices took {lost:,.2f} and trading {costs:,.2f}.",
                capital=account.capital, left=left, lost=lost, costs=costs, holds=lost > 0),
        Finding("{refused:.0f} orders were refused: a purchase at an open locked at limit-up, a sale of a halted "
                "stock, a sale at an open locked at limit-down.",
                refused=float(days["refused"].sum()), holds=all(refusals(account).values())),
        Finding("One sale took two days, because no more than a tenth of the day's volume ({most:,.0f} shares) may be "
                "sold: {one:,.0f} shares, then {two:,.0f}.", most=0.1 * VOLUME[4][0], one=split[0] if split else np.nan,
                two=split[1] if len(split) > 1 else np.nan, holds=bool(run.capped.any()) and len(split) > 1),
        Finding("{least:.0f} of {fills:.0f} fills paid the minimum commission.", least=float(least),
                fills=float(len(fills)), holds=0 < least < len(fills)),
        Finding("{hidden:.0%} of the costs are on no broker's statement: half the spread and the impact are in the "
                "price.", hidden=hidden, holds=hidden > 0.5),
    ]  # fmt: skip


def refusals(account: Account) -> dict[str, bool]:
    """Whether each kind of refusal happened."""
    found = account.statement.refused
    return {name: bool(found[name].any()) for name in ("buy_limit", "sell_halt", "sell_limit")}


def what_happened(account: Account) -> Markdown:
    """The findings as a list."""
    return say("What the ten days show:\n\n" + listed(item for item in findings(account) if item.holds))


def prices(account: Account) -> HTML:
    """What the exchange says of the day, and open and close of each stock."""
    panel = account.panel
    frame = pd.DataFrame({"date": panel.dates, "what happens": [events(account, t) for t in range(len(panel.dates))]})
    for n, symbol in enumerate(SYMBOLS):
        frame[f"{symbol} open"], frame[f"{symbol} close"] = panel.fields["open"][:, n], panel.fields["close"][:, n]
    columns = [f"{symbol} {what}" for symbol in SYMBOLS for what in ("open", "close")]
    return table(frame, "account_prices", formats={**dict.fromkeys(columns, YUAN), "date": _day})


def events(account: Account, t: int) -> str:
    """Ex-dates, halts and locked opens of a day, in words."""
    panel, out = account.panel, []
    for n, symbol in enumerate(SYMBOLS):
        if not panel.traded[t, n]:
            out.append(f"{symbol} is halted")
        elif not panel.can_buy("open")[t, n]:
            out.append(f"{symbol} opens at limit-up")
        elif not panel.can_sell("open")[t, n]:
            out.append(f"{symbol} opens at limit-down")
        if t and panel.adj_factor[t, n] != panel.adj_factor[t - 1, n]:
            out.append(f"{symbol} goes ex: previous close {panel.fields['pre_close'][t, n]:.2f}")
    return "; ".join(out)


def fills_table(account: Account) -> HTML:
    """Every fill: shares, price, value, each item of its costs, and the cash it moved."""
    fills = account.fills
    heads = {"date": "day", "symbol": "stock", "shares": "shares", "price": "price", "value": "value", **HEADS,
             "cash": "cash"}  # fmt: skip
    formats = dict.fromkeys(("price", "value", *ITEMS, "cash"), YUAN)
    return table(fills, "account_fills", columns=heads, formats={**formats, "shares": "+,.0f", "date": _day},
                 caption="fills, in yuan; sold shares are negative")  # fmt: skip


def reckoning(account: Account) -> HTML:
    """How each item of a fill is made, as one would write it on paper."""
    lines, run = [], account.statement
    for d, n, signed, price, items in zip(
        run.fill_days, run.fill_names, run.fill_shares, run.fill_prices, run.fill_items, strict=True
    ):
        paid, shares = dict(zip(ITEMS, items.tolist(), strict=True)), abs(float(signed))
        value, volume = shares * price, VOLUME[d + run.first_row][n]
        rate = f"{paid['duty'] / value:.2%}"
        lines.append({
            "fill": f"{run.dates[d]} {SYMBOLS[n]}",
            "value": f"{shares:,.0f} x {price:.2f} = {value:,.2f}",
            "commission": f"{account.commission:g} bp = {account.commission * 1e-4 * value:.8g}, "
                          f"at least {account.minimum:g}: {paid['commission']:.2f}",
            "transfer": f"0.1 bp = {1e-5 * value:.8g}: {paid['transfer']:.2f}",
            "duty": f"{rate}: {paid['duty']:.2f}" if paid["duty"] else "none on a purchase",
            "spread": f"{account.half_spread:g} bp = {paid['spread']:.8g}",
            "impact": f"{LINEAR:g} x {shares / volume:.1%} of the volume = {paid['impact']:.8g}",
        })  # fmt: skip
    return table(pd.DataFrame(lines), "account_reckoning", columns={"fill": "fill", "value": "value", **HEADS})


def days_table(account: Account) -> HTML:
    """Shares, cash and equity at the close of each day."""
    days = account.days
    heads = {"date": "day", **{symbol: symbol for symbol in SYMBOLS}, "fractions": "ex-date cash", "costs": "costs",
             "cash": "cash", "equity": "equity", "refused": "refused orders"}  # fmt: skip
    formats = dict.fromkeys(("costs", "cash", "equity"), YUAN) | dict.fromkeys(SYMBOLS, ",.0f")
    return table(days, "account_days", columns=heads,
                 formats={**formats, "fractions": YUAN, "refused": ".0f", "date": _day},
                 caption="shares and yuan at the close")  # fmt: skip


def costs_by_item(account: Account) -> HTML:
    """What the ten days cost, item by item."""
    from lib.paper.pages.forms import bars

    fills = account.fills
    title = findings(account)[-1].title("Costs of the ten days by item")
    return plot(bars({HEADS[item]: float(fills[item].sum()) for item in ITEMS}, title, "yuan over the ten days"))


def rules_table() -> HTML:
    """The dated tables that the account reads."""
    columns = {"rule": "rule", "of": "board or exchange", "since": "since", "what": "what", "source": "source"}
    return table(rules(), "account_rules", columns=columns, formats={"since": _since, "of": _board})


def _since(day: object) -> str:
    """The day a rule came into force on one line; nothing for one that has always held."""
    text = str(day)[:10]
    return "" if text == ALWAYS else f'<span style="white-space: nowrap">{text}</span>'


def _board(code: object) -> str:
    return BOARDS.get(str(code), str(code))


def _day(date: object) -> str:
    return str(np.datetime64(str(date)[:10]))
