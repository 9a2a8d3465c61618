"""What does the loss change that a network is trained by: what it knows, how it trades, or only how far it predicts?

Every loss gets the same search for its own settings on markets of its own. The adjusted mean squared error has a
closed-form minimiser, so that what it does to predictions is known before anything is trained.
"""

from __future__ import annotations

from lib.evaluation.simulated import FACTOR_SETS, LIMIT_RATES, MARKET_PARAMETERS, SIZE, SIZES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.studies.losses.claims import CLAIM_IDS, answer_claims
from lib.studies.losses.findings import findings
from lib.studies.losses.measure import agreement, by_market, compute, contrast, grid
from lib.studies.losses.page import levels_table
from lib.studies.losses.variants import NAMES

PARTS = ("search", "market", "minimiser")
FEW = ["mse, centred labels", "huber, centred labels", "adj_mse 0.1, centred labels", "ic, centred labels",
       "mse, raw labels", "adj_mse 0.05, raw labels", "adj_mse 0.1, raw labels"]  # fmt: skip

STUDY = Study(
    name="losses",
    title="Losses: what a network is trained to minimise",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "factors": Parameter(str, "core", choices=FACTOR_SETS, help="core: 39, quick; all: the papers' 213"),
        "limit_rates": Parameter(str, "real", choices=LIMIT_RATES, help="real: as in CSI 300; paper: as it states"),
        "parts": Parameter(list, list(PARTS), choices=PARTS, help="search for settings, markets, known signals"),
        "variants": Parameter(
            list, None, choices=NAMES, optional=True, help="losses with labels; None: all"
        ),
        "trials": Parameter(int, 10, low=1, high=200, help="of each loss in the search; the first is the papers'"),
        "search_markets": Parameter(int, 2, low=1, high=100, help="markets of the search, of its own"),
        "minimiser_seeds": Parameter(int, 5, low=1, high=100, help="networks where the signal is known"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="most epochs of a network"),
        "minimiser_epochs": Parameter(int, 40, low=1, high=1000, help="epochs where the signal is known"),
    },
    scales={
        "smoke": {**SIZES["smoke"], "first_test_year": 2013, "variants": [*FEW[:1], *FEW[-2:]], "trials": 1,
                  "search_markets": 1, "minimiser_seeds": 1, "epochs": 1, "minimiser_epochs": 1, "seeds": 1},
        "laptop": {"n_stocks": 120, "n_days": 1000, "first_test_year": 2013, "variants": FEW, "trials": 2,
                   "search_markets": 1, "minimiser_seeds": 1, "epochs": 30, "minimiser_epochs": 20, "seeds": 2},
        "paper": {**SIZES["paper"], "seeds": 30},
    },
    grid_only=("parts", "variants", "trials", "search_markets", "minimiser_seeds"),
    group=by_market,
    setting="different",
    contrast=Contrast(contrast, by=by_market),
    agreement=agreement,
    page=Page(table=levels_table, answers=answer_claims, claims=CLAIM_IDS, findings=findings),
)  # fmt: skip
