"""One thread a row: matrix products split among threads are added up in another order, and a trained network moves.

A Transformer fitted on two threads is another one than that fitted on one: its Sharpe ratio differed by 0.3. How many
rows are computed side by side must not decide that, so every row has one thread, alone as well as beside others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

_lock = Lock()
_rows, _limited = 0, ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """torch and the libraries of linear algebra on one thread; what they had comes back with the last row to end.

    >>> import torch
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    global _rows
    with _lock:
        if not _rows:
            _limit()
        _rows += 1
    try:
        yield
    finally:
        with _lock:
            _rows -= 1
            if not _rows:
                _limited.close()


def _limit() -> None:
    import torch
    from threadpoolctl import threadpool_limits

    _limited.callback(torch.set_num_threads, torch.get_num_threads())
    torch.set_num_threads(1)
    _limited.enter_context(threadpool_limits(1))
