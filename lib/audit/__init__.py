"""The mask contract, audited from outside: panels are changed where nothing may depend on it, outputs are compared.

Paper B, appendix A.3, states three rules; looking ahead and the order of the stocks are added. For any function from a
panel to factors:

* zero-on-mask: a masked output cell holds 0;
* independence: what masked input cells hold changes no bit of a valid output, nor which outputs are valid;
* propagation: an output is valid only if every own-stock cell that its formula reads is valid;
* look-ahead: nothing up to day t changes when everything after it does;
* order: a stock's output does not depend on the column it stands in, up to a stated tolerance.

`lib.audit.contract` holds the checks, `panels` what they are run on, `changes` how panels are changed, `reads` which
cells a formula declares to read, `subjects` the two implementations that the book compares.
"""

from lib.audit.changes import POISONS, later_replaced, permuted, poisoned
from lib.audit.contract import KINDS, Compute, Finding, Output, Report, audit
from lib.audit.functions import Broken, audit_function
from lib.audit.panels import contract_panels, hostile_panel, unmasked_panel
from lib.audit.reads import Reads, declared_reads

__all__ = [
    "KINDS", "Compute", "Finding", "Output", "Report", "audit",
    "Broken", "audit_function",
    "POISONS", "later_replaced", "permuted", "poisoned",
    "contract_panels", "hostile_panel", "unmasked_panel",
    "Reads", "declared_reads",
]  # fmt: skip
