"""Jobs, patience and files: every job is asked again after growing pauses, and its answer is stored whole.

A file carries the request that made it, in its parquet metadata. The same request finds it and asks nothing.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lib.errors import LoadError
from lib.store import sweep, write_bytes

if TYPE_CHECKING:
    import pandas as pd

_KEY: Final = b"fetched"


@dataclass(frozen=True)
class Request:
    """What is asked for: first and last day (YYYY-MM-DD), symbols as SH600000."""

    start: str
    end: str
    symbols: tuple[str, ...] = ()

    @property
    def compact(self) -> tuple[str, str]:
        """Both days as YYYYMMDD."""
        return self.start.replace("-", ""), self.end.replace("-", "")


@dataclass(frozen=True)
class Patience:
    """How often a job is tried, and the pauses between: first, first x growth, ... up to longest seconds.

    give_up_after: jobs that fail one after the other before the rest is left alone (the source is down).
    """

    tries: int = 5
    first: float = 1.0
    growth: float = 2.0
    longest: float = 60.0
    give_up_after: int = 5
    sleep: Callable[[float], None] = time.sleep

    def pause(self, failures: int) -> None:
        """Wait after the given number of failures of one job."""
        self.sleep(min(self.longest, self.first * self.growth ** (failures - 1)))


@dataclass(frozen=True)
class Job:
    """One file: its path in the folder without an ending, the call that fills it, columns it must have.

    about: what the file is for, compared with what a file on disk was made for. may_be_empty: no rows is an answer.
    """

    path: str
    call: Callable[[], pd.DataFrame]
    needs: tuple[str, ...]
    about: str
    may_be_empty: bool = False


@dataclass(frozen=True)
class Summary:
    """Files by outcome: fetched now, kept from before, answered with no rows."""

    fetched: int
    kept: int
    empty: int

    def __str__(self) -> str:
        return f"{self.fetched:,} files fetched, {self.kept:,} kept from before, {self.empty:,} without rows"


class BadAnswerError(LoadError):
    """An answer that another try would not improve."""


Jobs = AbstractContextManager[Iterable[Job]]


def library(name: str) -> Any:
    """Import a library of the extra `data`. Raises LoadError that names the extra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise LoadError(
            f"fetching from {name} needs the package {name}, which is in the extra `data`: "
            f"pip install -e '.[data]' ({error})"
        ) from error


def download(jobs: Iterable[Job], folder: Path, patience: Patience, progress: bool | None) -> Summary:
    """Run the jobs that have no file yet. Raises LoadError when some failed; what arrived stays."""
    from tqdm import tqdm

    todo = list(jobs)
    counts, failed, in_a_row = {"fetched": 0, "kept": 0, "empty": 0}, list[tuple[str, str]](), 0
    for target in {(folder / job.path).parent for job in todo}:
        if target.is_dir():
            sweep(target)
    for job in tqdm(todo, unit="file", disable=None if progress is None else not progress):
        try:
            counts[_run(job, folder, patience)] += 1
            in_a_row = 0
        except LoadError as error:
            failed.append((job.path, str(error)))
            in_a_row += 1
            if in_a_row >= patience.give_up_after:
                break
    _check(failed, len(todo))
    return Summary(**counts)


def _check(failed: Sequence[tuple[str, str]], total: int) -> None:
    if failed:
        path, error = failed[0]
        raise LoadError(
            f"{len(failed):,} of {total:,} downloads failed, first {path}: {error}; the others are stored, "
            f"the same command goes on from there"
        )


def _run(job: Job, folder: Path, patience: Patience) -> str:
    path, nothing = folder / f"{job.path}.parquet", folder / f"{job.path}.none"
    nothing = nothing.with_name(f".{nothing.name}")  # hidden: readers pass it over
    if _made_for(path) == job.about:
        return "kept"
    if nothing.is_file() and nothing.read_text(encoding="utf-8") == job.about:
        return "kept"
    frame = _asked(job, patience)
    path.parent.mkdir(parents=True, exist_ok=True)
    if len(frame) == 0:
        write_bytes(nothing, job.about.encode())
        return "empty"
    write_bytes(path, _as_parquet(frame, job.about))
    return "fetched"


def _made_for(path: Path) -> str | None:
    """The request a file was made for; None if there is no such file, or not a whole one."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return None
    try:
        metadata = pq.read_schema(path).metadata or {}
    except Exception:  # damaged: fetched again
        return None
    found = metadata.get(_KEY)
    return found.decode("utf-8", "replace") if found is not None else None


def _asked(job: Job, patience: Patience) -> pd.DataFrame:
    for failures in range(1, patience.tries + 1):
        try:
            return _checked(job, job.call())
        except BadAnswerError:
            raise
        except Exception as error:  # a library may raise anything when the network or the source fails
            if failures == patience.tries:
                text = " ".join(str(error).split())[:200]
                raise LoadError(f"{type(error).__name__}: {text} (tried {failures} times)") from error
            patience.pause(failures)
    raise AssertionError("unreachable: tries is at least 1")


def _checked(job: Job, frame: pd.DataFrame | None) -> pd.DataFrame:
    import pandas as pd

    if frame is None or len(frame) == 0:
        if job.may_be_empty:
            return pd.DataFrame()
        raise BadAnswerError("no rows: not listed in that time, or an unknown symbol")
    missing = [name for name in job.needs if name not in frame.columns]
    if missing:
        raise BadAnswerError(
            f"the answer has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}"
        )
    return frame


def _as_parquet(frame: pd.DataFrame, about: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({_KEY: about.encode()})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def about(call: str, **arguments: str) -> str:
    """A request as text that can be compared."""
    return json.dumps({"call": call, **arguments}, sort_keys=True, ensure_ascii=False)


def need_symbols(source: str, request: Request) -> None:
    """Refuse a request without symbols."""
    if not request.symbols:
        raise LoadError(f"{source} is asked stock by stock: give symbols, such as SH600000,SZ000001")
