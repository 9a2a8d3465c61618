"""The ledger of the papers' claims, the studies' answers to them, the rule that judges both, and the scoreboard.

The ledger (book/claims.csv) has one row per number in the papers. A study answers a claim with an `Answer` in the
claim's own unit; the rule of `lib.paper.claims.verdicts`, fixed before any result is recorded, compares the two, and
`scoreboard` gives every claim of the ledger its row, studied or not. `by_chance` says how many verdicts luck alone
would give.
"""

from lib.paper.claims.answer import SETTINGS, Answer
from lib.paper.claims.ledger import LEDGER, Claim, load_ledger
from lib.paper.claims.scoreboard import Chance, by_chance, headline, scoreboard

__all__ = ["LEDGER", "SETTINGS", "Answer", "Chance", "Claim", "by_chance", "headline", "load_ledger", "scoreboard"]
