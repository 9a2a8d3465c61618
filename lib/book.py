"""`python -m lib.book`: builds the book and runs its notebooks; what it does is in `lib.paper.site.book`."""

from __future__ import annotations

import sys

from lib.paper.site.book import common_values, main

__all__ = ["common_values", "main"]

if __name__ == "__main__":
    sys.exit(main())
