"""Stored rows are whole or absent: kills, full disks, read-only folders, two writers, flipped bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lib.errors import StoreError
from lib.store import files as store_module
from lib.store.files import Store, StoredRow, StoreWarning, replacing, safe_path, sweep, write_bytes

ROOT = Path(store_module.__file__).resolve().parents[2]
ROW = StoredRow(
    [{"metric": "sharpe", "value": 1.25, "n": 3}, {"metric": "undefined", "value": float("nan"), "n": None}],
    {
        "daily": np.linspace(0, 1, 5),
        "dates": np.array(["2020-01-02"], dtype="M8[D]"),
        "names": np.array(["a"]),
    },
    {"seconds": 0.5},
)


def same(a, b):
    assert repr(a.records) == repr(b.records) and a.meta == b.meta and a.arrays.keys() == b.arrays.keys()
    for name in a.arrays:
        np.testing.assert_array_equal(a.arrays[name], b.arrays[name])
        assert a.arrays[name].dtype == b.arrays[name].dtype


def test_what_is_saved_is_loaded(tmp_path):
    store = Store(tmp_path / "made" / "on" / "demand")
    store.save("k", ROW)
    same(store.load("k"), ROW)
    store.save("empty", StoredRow([]))
    same(store.load("empty"), StoredRow([]))
    assert sorted(path.name for path in store.folder.iterdir()) == ["empty.row", "k.row"]


def test_a_missing_row_is_none_without_a_warning(tmp_path):
    assert Store(tmp_path / "nowhere").load("k") is None


def test_records_can_be_read_with_the_eye(tmp_path):
    store = Store(tmp_path)
    store.save("k", ROW)
    assert b'"metric": "sharpe", "value": 1.25, "n": 3' in store.path("k").read_bytes().splitlines()[1]


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "A", "-a", "_a", ".a", "a.b", "a" * 65, "a\n", "ä", None, "a\0", "..", "a b"]
)
def test_unsafe_names_are_refused(tmp_path, name):
    with pytest.raises(StoreError, match="unsafe name"):
        safe_path(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "k.row").symlink_to(outside / "k.row")
    with pytest.raises(StoreError, match="outside"):
        Store(inside).save("k", ROW)
    assert list(outside.iterdir()) == []


def test_every_flipped_byte_is_detected(tmp_path):
    store = Store(tmp_path)
    store.save("k", ROW)
    content = store.path("k").read_bytes()
    rng = random.Random(0)
    for position in [0, 10, 63, 64, 65, len(content) - 1, *rng.sample(range(len(content)), 60)]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.randrange(8)
        store.path("k").write_bytes(damaged)
        with pytest.warns(StoreWarning, match="damaged"):
            assert store.load("k") is None


@pytest.mark.parametrize("keep", [0, 1, 64, 65, 100, 400])
def test_a_truncated_file_is_detected(tmp_path, keep):
    store = Store(tmp_path)
    store.save("k", ROW)
    store.path("k").write_bytes(store.path("k").read_bytes()[:keep])
    with pytest.warns(StoreWarning):
        assert store.load("k") is None


def test_a_pickle_with_a_right_checksum_is_not_loaded(tmp_path):
    """Whoever can write the file can write its checksum too; objects must still never be unpickled."""
    import hashlib
    import io

    stream = io.BytesIO()
    np.savez(stream, a_x=np.array([{"not": "plain"}], dtype=object))
    body = b'{"records": [], "meta": {}}\n' + stream.getvalue()
    (tmp_path / "k.row").write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    with pytest.warns(StoreWarning, match="allow_pickle=False"):
        assert Store(tmp_path).load("k") is None


def test_what_cannot_be_stored_is_refused_whole(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="array 'x' holds Python objects"):
        store.save("k", StoredRow([], {"x": np.array([None])}))
    with pytest.raises(StoreError, match="JSON"):
        store.save("k", StoredRow([{"value": np.float32(1)}]))
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------ failing file systems


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_full_disk_leaves_the_old_row(tmp_path):
    """A file-size limit of the operating system stands for a full disk: the write itself fails half-way."""
    code = f"""
import numpy as np, resource
from lib.errors import StoreError
from lib.store.files import Store, StoredRow
store = Store({str(tmp_path)!r})
store.save("k", StoredRow([{{"metric": "old", "value": 1.0}}]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    store.save("k", StoredRow([], {{"x": np.random.default_rng(0).normal(size=10_000)}}))
except StoreError as error:
    print(error)
print(store.load("k").records)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    message, records = done.stdout.splitlines()
    assert "cannot write" in message and "too large" in message
    assert records == "[{'metric': 'old', 'value': 1.0}]"
    assert [path.name for path in tmp_path.iterdir()] == ["k.row"]


def test_a_folder_that_cannot_be_made_or_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write") as error:
        Store(tmp_path / "file" / "folder").save("k", ROW)
    assert "nothing was changed" in one_line(error)
    with pytest.raises(StoreError, match="cannot write"):
        Store("/proc/self/fdinfo").save("k", ROW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write read-only folders")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        Store(tmp_path).save("k", ROW)


def test_a_failed_rename_leaves_no_temporary_file(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        write_bytes(tmp_path / "target", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_replacing_keeps_the_old_file_when_the_body_fails(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "old" and len(list(tmp_path.iterdir())) == 1
    with replacing(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new" and len(list(tmp_path.iterdir())) == 1


# --------------------------------------------------------------------------------------- kills and company

WRITER = """
import sys, numpy as np
from lib.store.files import Store, StoredRow
store, mark = Store(sys.argv[1]), float(sys.argv[2])
x = np.random.default_rng(int(mark)).normal(size=500_000)
print("ready", flush=True)
while True:
    store.save("k", StoredRow([{"metric": "m", "value": mark}], {"x": x}))
"""


def writer(folder, mark):
    command = [sys.executable, "-c", WRITER, str(folder), str(mark)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def whole(row):
    mark = int(row.records[0]["value"])
    np.testing.assert_array_equal(row.arrays["x"], np.random.default_rng(mark).normal(size=500_000))


def test_kill_at_random_moments_leaves_a_whole_row_and_sweepable_orphans(tmp_path):
    store, rng, orphans = Store(tmp_path), random.Random(1), 0
    for mark in range(80):
        if mark >= 15 and orphans:
            break
        process = writer(tmp_path, mark)
        if mark % 2:  # inside a write, however slow the machine is
            while not any(path.suffix == ".tmp" for path in tmp_path.iterdir()):
                assert process.poll() is None
        else:
            time.sleep(rng.uniform(0, 0.03))  # the random moment of the kill, not a way to wait for anything
        kill(process)
        row = store.load("k")
        if row is not None:
            whole(row)
        orphans += store.sweep()
        assert {path.name for path in tmp_path.iterdir()} <= {"k.row"}
    assert orphans > 0, "no kill fell into a write: the test has shown nothing"


def test_two_processes_on_one_key(tmp_path):
    processes = [writer(tmp_path, 1), writer(tmp_path, 2)]
    store, seen = Store(tmp_path), set()
    try:
        for _ in range(400):
            row = store.load("k")
            if row is not None:
                whole(row)
                seen.add(row.records[0]["value"])
            if seen == {1.0, 2.0}:
                break
        assert store.sweep() == 0, "the temporary files of living writers must stay"
    finally:
        for process in processes:
            kill(process)
    assert seen


def test_sweep_takes_orphans_only(tmp_path):
    ours = f".a.row.{store_module._HOST}-{os.getpid()}-{store_module._TOKEN}-00000000.tmp"
    earlier = f".b.row.{store_module._HOST}-{os.getpid()}-00000000-00000000.tmp"
    elsewhere = ".c.row.00000000-1-00000000-00000000.tmp"
    abandoned = ".d.row.00000000-1-00000000-11111111.tmp"
    foreign = "notes.tmp"
    for name in (ours, earlier, elsewhere, abandoned, foreign):
        (tmp_path / name).touch()
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(tmp_path / abandoned, (long_ago, long_ago))
    assert sweep(tmp_path) == 2
    assert {path.name for path in tmp_path.iterdir()} == {ours, elsewhere, foreign}
    assert sweep(tmp_path / "absent") == 0
