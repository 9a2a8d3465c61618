"""Factors day by day: the history once, then each new day as it comes, the same bits as computing all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from lib.engine.stream import Stream
from lib.errors import PanelError
from lib.factors.compute import days_per_block
from lib.factors.factor_set import FactorSet
from lib.factors.leaves import Leaves
from lib.factors.request import Request
from lib.factors.target import ArrayTarget
from lib.panel import LastTraded, Panel


class FactorStream:
    """Factors of a panel that grows.

    history: the days so far, computed on construction and then forgotten but for what windows and recurrences
    still need of them. The other arguments are those of `compute_factors`.

    >>> from lib import make_market
    >>> panel = make_market(20, 60).panel
    >>> stream = FactorStream(panel.until(59), ["alpha_101"])
    >>> stream.update(panel.rows(59, 60)).values.shape
    (1, 20, 1)
    """

    def __init__(
        self,
        history: Panel,
        names: Sequence[str] | None = None,
        *,
        window: str = "strict",
        min_share: float = 0.5,
        standardise: str | None = None,
        max_gap: int = 1,
        threads: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.request = Request.of(
            history, names, window=window, min_share=min_share, standardise=standardise, max_gap=max_gap
        )
        self.device = device
        self.symbols = history.symbols
        self.last_date = history.dates[-1]
        self._traded = LastTraded.of(history)
        self._stream = Stream(self.request.nodes, window=self.request.window)
        leaves = Leaves(self.request.view(history), self.request.fields, device)
        days, stocks = history.shape
        self._stream.run(
            leaves.rows, days, _forget, rows=days_per_block(stocks), threads=threads or torch.get_num_threads()
        )

    def update(self, day: Panel) -> FactorSet:
        """Factors [R, N, F] of the next R days, most often one.

        day: a panel of these days with the same symbols. Cut from a longer panel it keeps that panel's adjustment;
        on its own its adjustment goes on from the days before it, by its `pre_close`.

        Raises PanelError when it does not follow the days so far; nothing is changed then. Raises LibError after an
        update that was interrupted midway: build the stream again from the history.
        """
        self._check(day)
        day = day.following(self._traded)
        rows, stocks = day.shape
        leaves, universe = Leaves(self.request.view(day), self.request.fields, self.device).rows(0, rows)
        target = ArrayTarget((len(self.request.nodes), rows, stocks))
        first, traded = self._stream.day, LastTraded.of(day, self._traded)
        self._stream.advance(leaves, universe, lambda root, start, cells: target.put(root, start - first, cells))
        self._traded, self.last_date = traded, day.dates[-1]
        values, valid = np.moveaxis(target.values, 0, -1), np.moveaxis(target.valid, 0, -1)
        return FactorSet(values, valid, self.request.names, self.request.skipped)

    def _check(self, day: Panel) -> None:
        if not np.array_equal(day.symbols, self.symbols):
            raise PanelError(
                f"update: got {len(day.symbols)} symbols that differ from the history's {len(self.symbols)}; "
                "give every stock of the history a column, unlisted or missing where it has no price"
            )
        if day.dates[0] <= self.last_date:
            raise PanelError(
                f"update: got {day.dates[0]}; expected a day after {self.last_date}, the last one computed"
            )
        lacking = self.request.fields - set(day.fields) - {"sector", "industry", "subindustry", "cap"}
        if lacking:
            raise PanelError(f"update: the day lacks {', '.join(sorted(lacking))}, which the history had")


def _forget(*_: object) -> None:
    """Discards the factors of the warm-up history."""
