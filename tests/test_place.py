"""Where results lie: a file is there whole or not at all; a place that cannot be used is told in one line."""

import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim import RequestError
from sim.studies.place import Folder, Remote, filesystem, place
from tests.processes import contents


@pytest.fixture
def root(tmp_path) -> Folder:
    return Folder(str(tmp_path / "results"))


# -- writing -----------------------------------------------------------------------------------------------------------
def test_a_file_is_read_as_it_was_written_and_its_folders_are_made(root, tmp_path):
    root.write("a/b/c.bin", b"\x00\xffdata")
    assert root.read("a/b/c.bin") == b"\x00\xffdata"
    assert contents(tmp_path) == {"results/a/b/c.bin": b"\x00\xffdata"}


def test_while_it_is_written_the_file_before_is_there_and_then_the_new_one(root, tmp_path):
    root.write("file", b"before")
    with root.writing("file") as file:
        file.write(b"after")
        file.flush()
        assert root.read("file") == b"before"
        (aside,) = {path.name for path in (tmp_path / "results").iterdir()} - {"file"}
        assert aside.startswith(".file.")
        assert aside.endswith(".writing")
    assert contents(tmp_path / "results") == {"file": b"after"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("wrong"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [{}, {"file": b"before"}])
def test_what_is_given_up_leaves_what_was_there_before(before, error, root, tmp_path):
    for name, data in before.items():
        root.write(name, data)

    def give_up():
        with root.writing("file") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        give_up()
    assert contents(tmp_path) == {f"results/{name}": data for name, data in before.items()}


def test_a_parquet_writer_that_fails_leaves_nothing(root, tmp_path):
    table = pa.table({"a": [1]})

    def write_other_columns():
        with root.writing("table.parquet") as file, pq.ParquetWriter(file, table.schema) as writer:
            writer.write_table(table)
            writer.write_table(pa.table({"b": ["x"]}))

    with pytest.raises(ValueError, match="schema"):
        write_other_columns()
    assert contents(tmp_path) == {}


def test_two_that_write_one_file_at_once_leave_one_of_them_whole(root, tmp_path):
    texts = [bytes([65 + k]) * 200_000 for k in range(4)]
    threads = [threading.Thread(target=lambda text=text: [root.write("file", text) for _ in range(10)]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert root.read("file") in texts
    assert list(contents(tmp_path)) == ["results/file"]


def test_what_is_written_is_synced_before_it_has_its_name(root, monkeypatch):
    done = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("sync") or fsync(handle))
    monkeypatch.setattr(Path, "replace", lambda self, target: done.append("rename") or replace(self, target))
    root.write("file", b"data")
    assert done == ["sync", "rename", "sync"]  # the last one is of the folder: its entries are on the disk, too


@pytest.mark.parametrize("path", ["file/below", "file/far/below"])
def test_a_file_in_the_way_is_an_error_of_the_system(path, root):
    root.write("file", b"in the way")
    with pytest.raises(OSError, match="file"):
        root.write(path, b"data")
    assert root.read("file") == b"in the way"


# -- looking -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def full(root) -> Folder:
    for path, size in (("top", 1), ("a/one", 2), ("a/two", 3), ("a/b/deep", 4), ("c/d/deeper", 5)):
        root.write(path, bytes(size))
    return root


def test_sizes_are_those_of_the_files_of_a_folder_and_of_those_below_if_asked_for(full):
    assert full.sizes("a") == {"a/one": 2, "a/two": 3}
    assert full.sizes("a", deep=True) == {"a/one": 2, "a/two": 3, "a/b/deep": 4}
    assert full.sizes("") == {"top": 1}
    assert full.sizes("", deep=True) == {"top": 1, "a/one": 2, "a/two": 3, "a/b/deep": 4, "c/d/deeper": 5}


def test_folders_are_told_by_name_in_order(full):
    assert full.folders("") == ["a", "c"]
    assert full.folders("a") == ["b"]
    assert full.folders("a/b") == []


@pytest.mark.parametrize("nowhere", ["nowhere", "nowhere/below", "top", "top/below"])
def test_what_is_no_folder_has_nothing_in_it(nowhere, full):
    assert (full.sizes(nowhere), full.sizes(nowhere, deep=True), full.folders(nowhere)) == ({}, {}, [])


def test_a_link_to_a_folder_is_not_followed_so_that_a_circle_ends(full, tmp_path):
    (tmp_path / "results/a/circle").symlink_to(tmp_path / "results")
    assert set(full.sizes("a", deep=True)) == {"a/one", "a/two", "a/b/deep", "a/circle"}


def test_when_a_file_was_written_is_told(full, tmp_path):
    os.utime(tmp_path / "results/a/one", (1000.0, 1000.0))
    assert full.changed("a/one") == 1000.0
    assert full.exists("a/one")
    for nowhere in ("a/three", "nowhere/one", "top/below"):
        assert full.changed(nowhere) is None
        assert not full.exists(nowhere)
        with pytest.raises(OSError, match=r"nowhere|three|below"):
            full.read(nowhere)
    with pytest.raises(FileNotFoundError):
        full.read("a/three")


def test_files_and_folders_can_be_deleted_and_what_is_not_there_too(full):
    full.delete("a/one")
    full.delete("a/one")
    full.delete_folder("c")
    full.delete_folder("c")
    assert set(full.sizes("", deep=True)) == {"top", "a/two", "a/b/deep"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("results", "results/studies/x"),
        ("results/", "results/studies/x"),
        ("/", "/studies/x"),
        ("../deep/er", "../deep/er/studies/x"),
    ],
)
def test_a_path_is_called_as_a_person_would_call_it(text, where):
    assert Folder(text).where("studies/x") == where


# -- which place -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["results", "/tmp/x", "a:b", "s3", "deep/er", "s3:/half"])
def test_what_is_no_url_is_a_folder(text):
    assert isinstance(place(text), Folder)
    assert str(place(text).folder) == text


def test_a_file_url_is_that_folder(tmp_path):
    root = place(f"file://{tmp_path}/results")
    assert isinstance(root, Folder)
    assert root.folder == tmp_path / "results"
    root.write("file", b"data")
    assert (tmp_path / "results/file").read_bytes() == b"data"


def test_any_other_url_is_a_place_without_a_folder():
    root = place("memory://posture-place")
    assert isinstance(root, Remote)
    assert root.folder is None
    root.write("a/file", b"data")
    assert (root.read("a/file"), root.sizes("a"), root.folders("")) == (b"data", {"a/file": 4}, ["a"])
    assert root.where("studies/x") == "memory://posture-place/studies/x"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://bucket/results", "cannot be reached"),
        ("s3://", "expected a bucket"),
        ("file:///", "expected a bucket"),
        ("memory://", "expected a bucket"),
        ("http://", "cannot be reached"),
        ("http://localhost:1/x", "cannot be reached"),
        ("s3://bucket with spaces", "cannot be reached"),
        ("s3://bucket/results?nonsense=1", "cannot be reached"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_in_one_line(url, words):
    with pytest.raises(RequestError, match=words) as error:
        place(url)
    assert str(error.value).startswith(f"results = {url!r}: ")
    assert "\n" not in str(error.value)


def test_without_fsspec_a_url_that_pyarrow_does_not_know_is_told_too(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(RequestError, match=r"^results = 'nonsense://x/y': cannot be reached: "):
        filesystem("nonsense://x/y")
