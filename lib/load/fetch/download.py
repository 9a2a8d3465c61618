"""Jobs, retries and files: every job is asked again after growing pauses, and its answer is stored whole.

A file carries the request that made it, in its parquet metadata. The same request finds it and asks nothing, unless
the period was still open on the day of the download: such a file says so, and is fetched again.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lib.errors import LoadError, ParameterError
from lib.store.files import sweep, write_bytes

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_KEY: Final = b"fetched"
_OPEN: Final = "not final: "
#: raised when a kept file promises more than before: 1 kept tables cut at the vendor's cap, and open periods
_RULES: Final = 2
_CHINA: Final = timezone(timedelta(hours=8))  # no summer time since 1991


def today_in_china() -> str:
    """The date on the exchanges' clock, YYYY-MM-DD."""
    return str(datetime.now(_CHINA).date())


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is tried, and the pauses between: first, first x growth, ... up to longest seconds.

    tries: at least 1. growth: at least 1.
    give_up_after: jobs that fail one after the other before the rest is left alone (the source is down), at least 1.

    Raises ParameterError that names the argument.
    """

    tries: int = 5
    first: float = 1.0
    growth: float = 2.0
    longest: float = 60.0
    give_up_after: int = 5
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        for name, least in (("tries", 1), ("first", 0), ("growth", 1), ("longest", 0), ("give_up_after", 1)):
            value = getattr(self, name)
            if not value >= least:
                raise ParameterError(f"RetryPolicy: {name} is {value}; expected at least {least}")

    def pause(self, failures: int) -> None:
        """Wait after the given number of failures of one call."""
        self.sleep(min(self.longest, self.first * self.growth ** (failures - 1)))


@dataclass(frozen=True)
class Request:
    """What is asked for: first and last day (YYYY-MM-DD), symbols as SH600000; and on which day, how patiently."""

    start: str
    end: str
    symbols: tuple[str, ...] = ()
    today: str = field(default_factory=today_in_china)
    retries: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def compact(self) -> tuple[str, str]:
        """Both days as YYYYMMDD."""
        return self.start.replace("-", ""), self.end.replace("-", "")


@dataclass(frozen=True)
class Job:
    """One file: its path in the folder without an ending, the call that fills it, columns it must have.

    about: what the file is for, compared with what a file on disk was made for. may_be_empty: no rows is an answer.
    until: the last day that the file is about, YYYY-MM-DD; "" for the end of the request.
    """

    path: str
    call: Callable[[], pd.DataFrame]
    needs: tuple[str, ...]
    about: str
    may_be_empty: bool = False
    until: str = ""


@dataclass(frozen=True)
class Summary:
    """Files by outcome: fetched now, kept from before, answered with no rows.

    not_final: how many of those fetched or empty are about a period that is not over, to be fetched again.
    """

    fetched: int
    kept: int
    empty: int
    not_final: int = 0

    def __str__(self) -> str:
        text = f"{self.fetched:,} files fetched, {self.kept:,} kept from before, {self.empty:,} without rows"
        return text + (f"; {self.not_final:,} not final, their last day is not over" if self.not_final else "")


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


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, before anything is asked for. Raises LoadError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoadError(f"cannot make the folder {folder}: {error.strerror}; name another one") from None


def download(jobs: Iterable[Job], folder: Path, request: Request, progress: bool | None) -> Summary:
    """Run the jobs that have no final file yet. Raises LoadError when some failed; what arrived stays.

    Final: an answer, with rows or without, that was given after the job's last day. A job whose last day is today or
    later is asked each time. An empty answer removes the file that the job had.
    """
    from tqdm import tqdm

    todo = list(jobs)
    counts, failed, in_a_row = {"fetched": 0, "kept": 0, "empty": 0, "not_final": 0}, list[tuple[str, str]](), 0
    for target in {(folder / job.path).parent for job in todo}:
        sweep(target)
    for job in tqdm(todo, unit="file", disable=None if progress is None else not progress):
        final = (job.until or request.end) < request.today
        try:
            outcome = _run(job, folder, final, request.retries)
            counts[outcome] += 1
            counts["not_final"] += not final
            in_a_row = 0
        except LoadError as error:
            failed.append((job.path, str(error)))
            in_a_row += 1
            if in_a_row >= request.retries.give_up_after:
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


def _run(job: Job, folder: Path, final: bool, retries: RetryPolicy) -> str:
    path = folder / f"{job.path}.parquet"
    nothing = path.with_name(f".{path.stem}.none")  # hidden: readers pass it over
    if final and job.about in (_made_for(path), _empty_for(nothing, path)):
        return "kept"
    frame = with_retries("", lambda: _checked(job, job.call()), retries)
    # never a file and a mark beside it: what is out of date goes before what is new comes, so that a kill in
    # between leaves neither, and the job is asked again
    if len(frame) == 0:
        _remove(path)
        _remove(nothing)
        if final:
            write_bytes(nothing, job.about.encode())
        return "empty"
    content = _as_parquet(frame, job.about if final else _OPEN + job.about)
    _remove(nothing)
    write_bytes(path, content)
    return "fetched"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise LoadError(f"cannot remove {path}, which is out of date: {error.strerror}") from None


def _empty_for(mark: Path, path: Path) -> str | None:
    """The request that was answered without rows; None if there is no such mark, or a file in its place."""
    try:
        return None if path.exists() else mark.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


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


def with_retries(what: str, call: Callable[[], T], retries: RetryPolicy) -> T:
    """What a call gives, tried again after growing pauses whatever it raises, except BadAnswerError.

    what: the call in messages; "" where the caller names it. Raises LoadError after the last try.
    """
    prefix = f"{what}: " if what else ""
    failures = 0
    while True:
        try:
            return call()
        except BadAnswerError as error:
            raise BadAnswerError(f"{prefix}{error}") from error
        except Exception as error:  # a library may raise anything when the network or the source fails
            failures += 1
            if failures >= retries.tries:
                text = " ".join(str(error).split())[:200]
                kind = "" if isinstance(error, LoadError) else f"{type(error).__name__}: "
                raise LoadError(f"{prefix}{kind}{text} (tried {failures} times)") from error
            retries.pause(failures)


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

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:  # such as text among numbers
        raise BadAnswerError(f"the answer cannot be stored as a table: {' '.join(map(str, error.args))}") from error
    table = table.replace_schema_metadata({_KEY: about.encode()})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def about(call: str, **arguments: str) -> str:
    """A request as text that can be compared."""
    return json.dumps({"call": call, "rules": _RULES, **arguments}, sort_keys=True, ensure_ascii=False)


def need_symbols(source: str, request: Request) -> None:
    """Refuse a request without symbols."""
    if not request.symbols:
        raise LoadError(f"{source} is asked stock by stock: give symbols, such as SH600000,SZ000001")
