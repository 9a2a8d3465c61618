"""A git repository in place of the project's, and the toy study recorded in it."""

from __future__ import annotations

import subprocess

import toy_study

from lib.paper.results import provenance
from lib.paper.results.study import Study
from lib.studies import record, recorded, verify

TOY = toy_study.STUDY


def new_repository(tmp_path, monkeypatch):
    """A git repository with one commit, in place of the project's."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q")
    (root / "file.txt").write_text("x", encoding="utf-8")
    commit(root)
    monkeypatch.setattr(provenance, "ROOT", root)
    monkeypatch.setenv("LIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log.txt"))
    monkeypatch.delenv("DATA_DIR", raising=False)
    return root


def git(root, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "m")
    return git(root, "rev-parse", "HEAD")


def keep(root, study=TOY, **keywords):
    return record(study, folder=root / "book" / "recorded", **keywords)


def look(root, study=TOY, **keywords):
    return recorded(study, folder=root / "book" / "recorded", **keywords)


def check(root, study=TOY, **keywords):
    return verify([study], folder=root / "book" / "recorded", **keywords)


def log(root):
    path = root.parent / "log.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def other_code(monkeypatch, digit="0"):
    """Make today's code of the toy study another one, without changing what it computes."""
    monkeypatch.setattr(Study, "source_digest", lambda self: digit * 64)
    monkeypatch.setattr(Study, "source_digests", lambda self, groups, settings: [digit * 64 for _ in groups])


def fail_at(count):
    """The toy's computation, interrupted after that many rows."""
    calls = []

    def compute(row, settings):
        calls.append(row)
        if len(calls) > count:
            raise KeyboardInterrupt
        return toy_study.compute(row, settings)

    compute.__module__, compute.__qualname__ = toy_study.__name__, "compute"  # in place of the study\'s own
    return compute
