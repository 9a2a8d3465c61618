"""Command line, ``python -m lib COMMAND``: list run record verify confirm bench compile load check audit fetch.

Without a command it lists them. An error this package raises on purpose is one line on standard error and exit
code 2. `verify` and `confirm` exit with 1 when a recomputed row differs from the recorded one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from lib.errors import LibError, ParameterError
from lib.paper.results.study import RESERVED, SCALES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return 0
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except LibError as error:
        print(_one_line(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        stored = "; rows that were done are stored, the same command resumes"
        print(f"interrupted{stored if options.command in (_run, _record, _confirm) else ''}", file=sys.stderr)
        return 130


def _list(options: argparse.Namespace) -> None:
    from lib.studies import load_study, studies

    for name in studies():
        study = load_study(name)
        print(f"{name}: {study.title}")
        for key, parameter in study.schema().items():
            print(f"    {key} = {parameter.default!r}  {parameter.expected()}  {parameter.help}".rstrip())


def _run(options: argparse.Namespace) -> None:
    from lib.studies import run_study

    result = run_study(options.study, **_run_options(options))
    table = result.table()
    print(table.to_string(index=any(name is not None for name in table.index.names)))
    if options.csv:
        from lib.store.files import write_bytes

        write_bytes(options.csv, result.frame.to_csv(index=False).encode())
        print(f"written: {options.csv}")


def _record(options: argparse.Namespace) -> None:
    from lib.studies import record

    print(record(options.study, **_run_options(options)).describe())


def _verify(options: argparse.Namespace) -> int:
    from lib.studies import verify

    named = {name: getattr(options, name) for name in ("commit", "scale", "limit", "data")}
    found = verify(options.study or None, **named)
    print(found.message)
    return 0 if found.ok else 1


def _confirm(options: argparse.Namespace) -> int:
    from lib.studies import confirm

    code = 0
    for found in confirm(options.study or None, data=options.data, jobs=options.jobs, backend=options.backend):
        print(found.message, flush=True)
        code = code if found.ok else 1
    return code


def _bench(options: argparse.Namespace) -> None:
    import_module("lib.studies.how_fast.report").main(
        scale="smoke" if options.quick else options.scale,
        whole_panel=options.whole_panel,
        record=options.record,
        out=options.out,
    )


def _compile(options: argparse.Namespace) -> None:
    print(import_module("lib.factors.prepare").compile_kernels().describe())


def _load(options: argparse.Namespace) -> None:
    print(import_module("lib.load.quality.report").report(options.file, options.market, options.format))


def _check(options: argparse.Namespace) -> None:
    from lib.studies.your_signal.page import lost, verdict, write_page

    found = write_page(
        options.signal, options.prices, options.out, market=options.market, universe=options.universe,
        horizons=_numbers(options.horizon, "--horizon"), trials=options.trials, capital=options.capital,
    )  # fmt: skip
    for item in verdict(found):
        print(item.text)
    if missing := lost(found.signal):
        print(missing)
    print(f"written: {options.out}.html, {options.out}.csv")


def _audit(options: argparse.Namespace) -> int:
    from lib.audit import audit_function
    from lib.studies.your_signal.factor import around

    function = _function(options.function)
    broken = audit_function(function, panels=options.panels)
    for item in broken:
        print(item)
        if item.stocks:  # the panel was found
            print(around(item, function).to_string(index=False), end="\n\n")
    if not broken:
        print(f"{options.function}: no look-ahead, no use of masked cells, no dependence on the order of stocks found")
    return 1 if broken else 0


def _function(name: str) -> Any:
    """package.module:function, imported from the working folder too."""
    module, colon, own = name.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), own, None) if colon else None
    except Exception as error:  # whatever the reader's file does when it is read
        raise ParameterError(f"audit: cannot import {module!r}: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise ParameterError(f"audit: {name!r} is no function; expected package.module:function")
    return found


def _fetch(options: argparse.Namespace) -> None:
    from lib.load.fetch import fetch

    symbols = [part for part in options.symbols.split(",") if part.strip()]
    print(f"{fetch(options.source, options.out, options.start, options.end, symbols)}: {options.out}")


# ---------------------------------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib", description="Studies, results and data files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "list", _list, "the studies and their parameters")
    _study_command(commands, "run", _run, "run a study and print its table").add_argument(
        "--csv", metavar="FILE", help="write the tidy results there"
    )
    _study_command(commands, "record", _record, "run a study and add its rows to book/recorded")
    verify = _command(commands, "verify", _verify, "recompute one recorded row and compare")
    verify.add_argument("study", metavar="STUDY", nargs="*", help="studies to choose from (default: all)")
    verify.add_argument("--commit", help="hash that chooses the row (default: the current commit)")
    verify.add_argument("--scale", choices=SCALES, help="only rows of this scale (default: every scale)")
    verify.add_argument("--limit", type=float, default=180.0, help="longest recorded time in seconds (180)")
    verify.add_argument("--data", metavar="FOLDER", help="folder of the input files (default: DATA_DIR)")
    confirm = _command(commands, "confirm", _confirm, "recompute a sample of stale recorded rows and note it")
    confirm.add_argument("study", metavar="STUDY", nargs="*", help="studies (default: all that are recorded)")
    confirm.add_argument("--jobs", type=int, help="processes (default: LIB_JOBS, else 1)")
    confirm.add_argument("--backend", help="joblib backend (default: LIB_BACKEND, else loky)")
    confirm.add_argument("--data", metavar="FOLDER", help="folder of the input files (default: DATA_DIR)")
    bench = _command(commands, "bench", _bench, "measure speed, memory and accuracy against other libraries")
    bench.add_argument("--quick", action="store_true", help="small panels, about a minute: --scale smoke")
    bench.add_argument("--scale", default="paper", help=f"{' | '.join(SCALES)} (default paper)")
    bench.add_argument("--whole-panel", action="store_true", help="also the papers' panel, 3500 x 3000, to disk")
    bench.add_argument("--record", action="store_true", help="make this the result that the book shows")
    bench.add_argument("--out", metavar="FILE", default="out/bench.json", help="result file (out/bench.json)")
    _command(commands, "compile", _compile, "compile the kernels of the factor engine for this processor, once")
    load = _command(commands, "load", _load, "read a price file and report what is in it")
    load.add_argument("file", metavar="FILE")
    choices = ("auto", "cn", "none")
    load.add_argument("--market", default="auto", choices=choices, help="exchange rules (default: by the symbols)")
    load.add_argument("--format", default="auto", help="source of the file (default: by its columns)")
    check = _command(commands, "check", _check, "how much of your own signal can be had: one page and a csv")
    check.add_argument("signal", metavar="SIGNAL", help="csv or parquet: date, symbol, value, or a column per symbol")
    check.add_argument("--prices", required=True, metavar="FILE", help="prices, as for `load`")
    check.add_argument("--market", default="cn", choices=("cn", "none"), help="exchange rules (cn)")
    check.add_argument("--universe", help="column of members, or listed (default: as the file has it)")
    check.add_argument("--horizon", default="1,5,20", help="sessions of the labels, with commas (1,5,20)")
    check.add_argument("--trials", type=int, default=1, help="signals tried, of which this is the best (1)")
    check.add_argument("--capital", type=float, metavar="YUAN", help="also an account of so many yuan (default: none)")
    check.add_argument("--out", default="out/signal", metavar="NAME", help="NAME.html and NAME.csv (out/signal)")
    audit = _command(commands, "audit", _audit, "the mask and look-ahead contract of your own function")
    audit.add_argument("function", metavar="MODULE:FUNCTION", help="takes a Panel, gives [dates, stocks] or several")
    audit.add_argument("--panels", type=int, default=5, help="random panels it is run on (5)")
    fetch = _command(commands, "fetch", _fetch, "download daily prices (needs the extra `data`)")
    fetch.add_argument("source", metavar="SOURCE", help="akshare | akshare_daily | tushare | baostock")
    fetch.add_argument("--symbols", default="", help="with commas: SH600000,000001; Tushare takes all")
    fetch.add_argument("--start", required=True, metavar="DATE", help="first day, YYYY-MM-DD")
    fetch.add_argument("--end", required=True, metavar="DATE", help="last day, YYYY-MM-DD")
    fetch.add_argument("--out", required=True, metavar="FOLDER", help="where the files go; final ones there are kept")
    return parser


def _command(commands: Any, name: str, function: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=function)
    return parser


def _study_command(commands: Any, name: str, function: Any, text: str) -> argparse.ArgumentParser:
    parser = _command(commands, name, function, text)
    parser.add_argument("study", metavar="STUDY")
    parser.add_argument("--scale", default="laptop", help=f"{' | '.join(SCALES)} (default laptop)")
    parser.add_argument("--seeds", help="a number n for 0..n-1, or seeds with commas: 1,5,7")
    parser.add_argument("--jobs", type=int, help="processes (default: LIB_JOBS, else 1)")
    parser.add_argument("--backend", help="joblib backend (default: LIB_BACKEND, else loky)")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a parameter of the study",
    )
    return parser


def _run_options(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "scale": options.scale,
        "seeds": _seeds(options.seeds),
        "jobs": options.jobs,
        "backend": options.backend,
        **dict(map(_override, options.overrides)),
    }


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    numbers = _numbers(text, "--seeds")
    return numbers if "," in text else numbers[0]


def _numbers(text: str, option: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip() or "," not in text]
    except ValueError:
        raise ParameterError(f"{option} {text!r}: expected a number, or numbers with commas") from None


def _override(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ParameterError(f"--set {text!r}: expected NAME=VALUE, the value as JSON or plain text")
    if name in RESERVED:
        raise ParameterError(f"--set {text!r}: {name!r} is no parameter of a study; see the options of the command")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _one_line(error: LibError) -> str:
    notes = "; ".join(getattr(error, "__notes__", []))
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text} ({notes})" if notes else text


if __name__ == "__main__":
    sys.exit(main())
