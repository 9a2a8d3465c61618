"""The state of the project from what was recorded: the scoreboard of all claims, and what was found so far."""

from __future__ import annotations

import pandas as pd

from lib.evaluation.ablation import Ablation
from lib.evaluation.conditions import of_condition
from lib.paper.claims import headline, scoreboard
from lib.paper.results.recording import Recorded
from lib.paper.results.study import SCALES
from lib.parameters import Parameter
from lib.stats.over_seeds import over_seeds
from lib.studies import recorded, recorded_studies
from lib.studies.cases.findings import Cases
from lib.studies.contract_audit.page import findings as audit_findings
from lib.studies.controls.tables import null_table
from lib.studies.factor_universe.page import findings as universe_findings
from lib.studies.how_fast.findings import Speed
from lib.studies.limit_events.findings import LimitEvents
from lib.studies.mask_ablation.findings import (
    changes,
    null_message,
    orders_message,
    plane_message,
    spill_message,
    story_message,
)
from lib.studies.mask_ablation.tables import ANSWERED
from lib.studies.other_markets.findings import OtherMarkets
from lib.studies.paradox.tables import order_steps
from lib.studies.phantom_alpha.tables import story
from lib.studies.regimes.findings import Regimes

#: the parameter of the pages that read recorded results
RECORDED_SCALE = {
    "recorded_scale": Parameter(
        str, None, choices=SCALES, optional=True, help="scale of the recorded results; None: the largest"
    )
}
UNRECORDED = "nothing is recorded yet"
NOTHING = "no result on real prices is recorded yet, so there is nothing to report"


def board_of_records(recorded_scale: str | None = None) -> pd.DataFrame:
    """Every claim of the ledger with its verdict from recorded results, at one scale or each study's largest."""
    found = (recorded(study, recorded_scale) for study in recorded_studies())
    return scoreboard(answer for record in found if not record.plumbing for answer in record.answers())


def found_so_far(recorded_scale: str | None = None) -> str:
    """The findings of the recorded results, as a Markdown list; it says so where nothing is recorded."""
    lines = [
        _line("After a limit close", "limit_events", _events(recorded("limit_events", recorded_scale))),
        _line("The contract, audited", "contract_audit", _audit(recorded("contract_audit", recorded_scale))),
        _line("The factor universe", "factor_universe", _universe(recorded("factor_universe", recorded_scale))),
        _line("How fast", "how_fast", _speed(recorded("how_fast", recorded_scale))),
        _line("Mask ablation", "mask_ablation_real", _ablation(recorded("mask_ablation_real", recorded_scale))),
        _line("Calm, bear, rally", "regimes", _regimes(recorded("regimes", recorded_scale))),
        _line("A crash, a rally, a rotation", "cases", _cases(recorded("cases", recorded_scale))),
        _line("Other markets, other rules", "other_markets", _rules(recorded("other_markets", recorded_scale))),
        _line("The ablation, truth known", "mask_ablation", _truth(recorded("mask_ablation", recorded_scale))),
        _line("Controls", "controls", _controls(recorded("controls", recorded_scale))),
        _line("Phantom alpha", "phantom_alpha", _phantom(recorded("phantom_alpha", recorded_scale))),
        _line("The paradox", "paradox", _paradox(recorded("paradox", recorded_scale))),
        _line("Ledger", "claims", f"{headline(board_of_records(recorded_scale))}."),
    ]
    return "\n".join(lines)


def _line(title: str, page: str, text: str) -> str:
    return f"- **[{title}]({page}.html)**: {text}"


def _events(record: Recorded) -> str:
    if not record or record.plumbing:
        return f"{NOTHING}."
    events = LimitEvents.of(record.frame)
    return f"{events.message()}. {events.control_message()}{_stale(record)}"


def _audit(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    return " ".join(item.text for item in audit_findings(record.frame)[:2]) + _stale(record)


def _universe(record: Recorded) -> str:
    if not record or record.plumbing:
        return f"{NOTHING}."
    return " ".join(item.text for item in universe_findings(record.frame)[:3]) + _stale(record)


def _speed(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    speed = Speed.of(record.frame)
    return f"{speed.factors_message()}. {speed.memory_message()}.{_stale(record)}"


def _ablation(record: Recorded) -> str:
    if not record or record.plumbing:
        return f"{NOTHING}."
    found = Ablation.of(record.frame, Ablation.learners(record.frame)[0])
    what = "the active Sharpe ratio gross of costs, executed at the next open"
    executed = found.windows_message("executed_open.active_sharpe_gross", 2, what)
    books = found.books("mask_skip", "row_deletion")
    money = f" {executed}. {books.beside()}" if books.known else ""
    effects = f"{found.windows_message()}.{money} {found.labels_message()}."
    return f"{found.ic_message()}. {effects}{_stale(record)}"


def _regimes(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    found = Regimes.each(record.frame)[0]
    benefit = f" {found.volatile_message()}." if found.compared() else ""
    return f"On the {found.title}: {found.phantom_message()}.{benefit}{_stale(record)}"


def _cases(record: Recorded) -> str:
    messages = [case.message() for case in Cases.scripted(record.frame)] if record else []
    return f"{'. '.join(messages)}.{_stale(record)}" if messages else f"{UNRECORDED}."


def _rules(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    found = OtherMarkets.of(record.frame)
    control = f" {found.control_message()}." if found.has_control else ""
    return f"{found.phantom_message()}.{control}{_stale(record)}"


def _truth(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    found = Ablation.of(over_seeds(of_condition(record.frame, ANSWERED)))
    return f"{plane_message(found)}. {' '.join(changes(found))}{_stale(record)}"


def _controls(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    nulls = null_message(null_table(record.frame))
    return f"{spill_message(over_seeds(record.frame))}. {nulls}.{_stale(record)}"


def _phantom(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    return f"{story_message(story(of_condition(record.frame, ANSWERED)))}.{_stale(record)}"


def _paradox(record: Recorded) -> str:
    if not record:
        return f"{UNRECORDED}."
    return f"{orders_message(order_steps(of_condition(record.frame, ANSWERED), 'ridge'))}.{_stale(record)}"


def _stale(record: Recorded) -> str:
    return " *(recorded by earlier code)*" if record.stale else ""
