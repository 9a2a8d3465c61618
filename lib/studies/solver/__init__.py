"""Does a cached, warm-started problem make the optimiser six times faster, and what is the time spent on?

The papers build the problem of a day once with cvxpy and replace its numbers on each later day. Here that is measured
part by part, on forms whose compiled problem can be kept and on those where it cannot, beside an exact method for the
same problem.
"""

from __future__ import annotations

from lib.paper.results.study import Page, Study
from lib.parameters import Parameter
from lib.studies.solver.measure import compute, grid, unavailable
from lib.studies.solver.page import CLAIM, answer_claims, findings
from lib.studies.solver.tables import summary

STUDY = Study(
    name="solver",
    title="The optimiser: what a warm start saves",
    grid=grid,
    compute=compute,
    parameters={
        "stocks": Parameter(int, 300, low=40, high=10000, help="stocks of a day's problem"),
        "look_back": Parameter(int, 120, low=10, high=2000, help="days of the covariance"),
        "days": Parameter(int, 8, low=2, high=1000, help="days on which every form is measured"),
        "exact_days": Parameter(int, 100, low=5, high=10000, help="days on which ours is checked, per risk aversion"),
        "many_stocks": Parameter(int, 600, low=40, high=20000, help="stocks of a larger problem, ours alone"),
        "back_test_days": Parameter(int, 300, low=5, high=20000, help="days of a whole back-test, ours alone"),
    },
    scales={
        "smoke": {"stocks": 60, "look_back": 30, "days": 2, "exact_days": 5, "many_stocks": 90, "back_test_days": 20},
        "paper": {"stocks": 1000, "days": 50, "exact_days": 750, "many_stocks": 3000, "back_test_days": 2500},
    },
    grid_only=("stocks", "look_back", "days", "exact_days", "many_stocks", "back_test_days"),
    unavailable=unavailable,
    setting="different",  # another processor, and versions of the solvers that the papers do not name
    evidence="machine",
    page=Page(table=summary, answers=answer_claims, claims=(CLAIM,), findings=findings),
)
