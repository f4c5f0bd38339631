"""The cache of compiled code: where it lies, what is said and done, and that it is never stale."""

import json
import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.engines import build, compiled, reference, sources
from sim.engines.build import KEPT, VARIABLE, Engine, folder, private, tag, write
from tests.processes import COMPILING, ROOT, program
from tests.worlds import scenario

TEXT = compiled.DEFAULT.engine.dispatch.text
NOT_KEPT = "compiling the model, some 20 s; it cannot be kept: "
NO_USE = "compiling the model, some 20 s; {} is of no use: {}: "


# -- the cache: where --------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The folder that holds those of each state of the sources."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


def test_the_cache_is_a_folder_of_its_own_that_only_its_user_can_write_to(cache):
    place = folder(TEXT)
    assert place == cache / tag(TEXT)
    assert place.is_dir()
    assert private(cache)
    assert private(place)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert folder(TEXT) == place


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o775, 0o1777])
@pytest.mark.parametrize("which", ["named", "root", "place"])
def test_a_folder_that_others_can_write_to_is_not_used(which, mode, cache):
    place = folder(TEXT)
    {"named": cache.parent, "root": cache, "place": place}[which].chmod(mode)
    with pytest.raises(PermissionError, match="others may write to"):
        folder(TEXT)


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/nowhere", "/dev/null/x"])
def test_a_place_that_cannot_be_a_folder_is_not_used(where, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(VARIABLE, str(tmp_path / where))
    with pytest.raises(OSError, match=r"directory|exists|denied|cannot be written"):
        folder(TEXT)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_in_the_place_of_the_folder_is_not_used(cache):
    cache.mkdir(mode=0o700, parents=True)
    (cache / tag(TEXT)).write_text("in the way")
    with pytest.raises(FileExistsError):
        folder(TEXT)


def test_a_folder_of_somebody_else_is_not_used(cache, monkeypatch):
    folder(TEXT)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(PermissionError):
        folder(TEXT)


def test_old_folders_go_and_the_latest_stay(cache):
    place = folder(TEXT)
    for k in range(KEPT + 4):
        old = cache / f"{k:016x}"
        old.mkdir()
        (old / "dispatch.py").write_text("code")
        os.utime(old, (1000.0 + k, 1000.0 + k))
    os.utime(place, (1.0, 1.0))  # in use again: never the one that goes
    assert folder(TEXT) == place
    assert {path.name for path in cache.iterdir()} == {place.name, *(f"{k:016x}" for k in range(4, KEPT + 4))}
    assert place.stat().st_mtime > 1e9


def test_what_is_not_of_our_making_is_never_removed(cache, tmp_path):
    cache.mkdir(mode=0o700, parents=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "dispatch.py").write_text("mine")
    for k in range(3 * KEPT):
        (cache.parent / f"{k:016x}").mkdir()  # beside the caches, in a folder that the user named
        (cache / f"mine-{k}").mkdir()
        (cache / f"mine-{k}" / "dispatch.py").write_text("mine")
        (cache / f"{k:016x}").mkdir()  # without what a cache holds
        (cache / f"{k + 1000:016x}").symlink_to(tmp_path / "thesis")
    before = sorted(tmp_path.rglob("*"))
    place = folder(TEXT)
    assert sorted(path for path in tmp_path.rglob("*") if path != place) == before


def test_another_place_for_numbas_own_caches_changes_nothing(cache, tmp_path, monkeypatch):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "open to all"))
    entry = Engine().jitted(folder(TEXT))
    assert Path(entry.stats.cache_path).is_relative_to(cache)
    assert str(tmp_path / "open to all") == numba.config.CACHE_DIR
    assert not (tmp_path / "open to all").exists()


def test_a_file_is_written_whole_once_and_with_the_same_time(tmp_path):
    path = tmp_path / "dispatch.py"
    write(path, "one")
    first = path.stat()
    write(path, "one")
    assert (path.stat().st_ino, path.stat().st_mtime) == (first.st_ino, first.st_mtime)
    write(path, "two")
    assert (path.read_text(), path.stat().st_mtime) == ("two", first.st_mtime)
    assert list(tmp_path.iterdir()) == [path]


def test_the_tag_changes_with_every_source_that_the_code_depends_on(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "__file__", str(tmp_path / "sim" / "engines" / "sources.py"))
    first = tag(TEXT)
    assert tag(TEXT) == first
    assert tag(TEXT + " ") != first
    used = [path for path in sorted((tmp_path / "sim").rglob("*.py")) if path.parts[-2] in ("sim", "agents", "engines")]
    assert len(used) > 20
    seen = {first}
    for path in used:
        text = path.read_bytes()
        path.write_bytes(text + b"\n# changed\n")
        seen.add(tag(TEXT))
        path.write_bytes(text)
    assert len(seen) == len(used) + 1
    assert tag(TEXT) == first
    (tmp_path / "sim" / "figures" / "theme.py").write_text("# nothing that is compiled")
    assert tag(TEXT) == first
    (tmp_path / "sim" / "agents" / "russia.py").write_text("")
    assert tag(TEXT) != first


def test_the_tag_changes_with_the_libraries_and_the_processor(monkeypatch):
    from llvmlite import binding

    first = tag(TEXT)
    monkeypatch.setattr(build, "version", lambda name: "0.1")
    other = tag(TEXT)
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "abacus")
    assert len({first, other, tag(TEXT)}) == 3


# -- the cache: what is said and done ----------------------------------------------------------------------------------
class Entry:
    """In the place of compiled code: writes what numba would write, and raises as often as it is told to."""

    raises: list[Exception]

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self.stats = SimpleNamespace(cache_path=str(place / "__pycache__") if place else None)

    def __call__(self, *nothing: Any) -> None:
        if Entry.raises:
            raise Entry.raises.pop(0)
        if self.place:
            (self.place / "__pycache__").mkdir(exist_ok=True)
            for suffix in ("nbi", "nbc"):
                (self.place / "__pycache__" / f"code.{suffix}").write_bytes(b"code")


@pytest.fixture
def starts(cache, monkeypatch) -> Any:
    """Start an engine whose compiler is made up; gives what it says."""
    monkeypatch.setattr(Engine, "jitted", lambda self, place: Entry(place))
    monkeypatch.setattr(build, "is_compiled", lambda: True)
    Entry.raises = []

    def start() -> tuple[list[str], Any]:
        said: list[str] = []
        return said, Engine(said.append)._made(())

    return start


def test_the_first_start_says_that_it_compiles_and_the_next_nothing(starts, cache):
    assert starts()[0] == [COMPILING.rstrip()]
    assert starts()[0] == starts()[0] == []


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_where_others_can_write_the_code_is_not_kept_and_that_is_said(mode, starts, cache):
    cache.mkdir(mode=0o700, parents=True)
    cache.chmod(mode)
    for _ in range(2):
        said, entry = starts()
        assert said == [f"{NOT_KEPT}others may write to {cache}"]
        assert entry.place is None
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_where_nothing_can_be_written_the_code_is_not_kept_and_that_is_said(starts, cache):
    cache.parent.mkdir()
    cache.write_text("in the way")
    said, entry = starts()
    assert len(said) == 1
    assert said[0].startswith(NOT_KEPT)
    assert str(cache) in said[0]
    assert entry.place is None


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), EOFError("Ran out of input"), ValueError("bad code")])
def test_a_cache_that_is_of_no_use_is_told_removed_and_done_without(error, starts, cache):
    starts()
    Entry.raises = [error]
    said, entry = starts()
    assert said == [NO_USE.format(cache / tag(TEXT), type(error).__name__) + str(error)]
    assert entry.place is None
    assert list(cache.iterdir()) == []
    assert starts()[0] == [COMPILING.rstrip()]


def test_an_error_that_has_nothing_to_do_with_the_cache_is_raised_the_second_time(starts, cache):
    Entry.raises = [TypeError("no such rule"), TypeError("no such rule")]
    with pytest.raises(TypeError, match="no such rule"):
        starts()


# -- the cache: with a compiler ----------------------------------------------------------------------------------------
RESULT = """
import json, sys
from sim import read_scenario
from sim.engines import compiled, reference
of = read_scenario(json.load(open(sys.argv[1])))
chosen = {"compiled": compiled, "reference": reference}[sys.argv[2]]
print(chosen.__file__, chosen.run_block(of, 1, 0, 4).outcomes.tolist())
"""


@pytest.fixture
def content(tmp_path) -> str:
    path = tmp_path / "content.json"
    path.write_text(json.dumps(scenario("open_ended", "horizon_days=100").content()))
    return str(path)


def result(content: str, cache: Path, name: str = "compiled", where: Path = ROOT) -> tuple[str, str]:
    """What an engine gives in a process of its own, and what it says."""
    done = program(RESULT, content, name, where=where, POSTURE_CACHE=str(cache))
    file, _, outcomes = done.stdout.partition(" ")
    assert Path(file).is_relative_to(where)
    return outcomes, done.stderr


def expected() -> str:
    return f"{reference.run_block(scenario('open_ended', 'horizon_days=100'), 1, 0, 4).outcomes.tolist()}\n"


def code(cache: Path) -> dict[str, tuple[int, float]]:
    """The files of compiled code, by name."""
    found = {path.name: path.stat() for path in cache.rglob("*.nb?")}
    return {name: (stat.st_ino, stat.st_mtime) for name, stat in found.items()}


@pytest.fixture
def warm(tmp_path) -> Path:
    """A copy of this machine's own cache, with the code of the present sources in it."""
    compiled.prepare(scenario("open_ended"))
    place = folder(TEXT)
    (tmp_path / "cache" / "compiled").mkdir(mode=0o700, parents=True)
    (tmp_path / "cache").chmod(0o700)
    shutil.copytree(place, tmp_path / "cache" / "compiled" / place.name)
    assert len(code(tmp_path / "cache")) >= 2
    return tmp_path / "cache"


def test_a_first_start_compiles_and_keeps_the_code_for_the_next(content, tmp_path):
    outcomes, said = result(content, tmp_path / "cache")
    assert (outcomes, said) == (expected(), COMPILING)
    kept = code(tmp_path / "cache")
    assert {Path(name).suffix for name in kept} == {".nbc", ".nbi"}
    assert [path.name for path in (tmp_path / "cache" / "compiled").iterdir()] == [tag(TEXT)]
    assert result(content, tmp_path / "cache") == (expected(), "")
    assert code(tmp_path / "cache") == kept


def test_code_that_is_there_is_used_without_a_word(content, warm):
    kept = code(warm)
    assert result(content, warm) == (expected(), "")
    assert code(warm) == kept


@pytest.mark.slow
def test_two_that_start_at_once_without_a_cache_both_give_what_they_should(content, tmp_path):
    found: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(result(content, tmp_path / "cache"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(expected(), COMPILING)] * 2
    assert result(content, tmp_path / "cache") == (expected(), "")


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "harm"), [("nbc", "cut"), ("nbc", "removed"), ("nbi", "cut"), ("nbi", "garbled")])
def test_a_damaged_cache_is_made_good_or_done_without(suffix, harm, content, warm):
    damaged = list(warm.rglob(f"*.{suffix}"))
    assert damaged
    for path in damaged:
        data = path.read_bytes()
        if harm == "removed":
            path.unlink()
        else:
            path.write_bytes(data[: len(data) // 2] if harm == "cut" else b"\x93" * len(data))
    outcomes, said = result(content, warm)
    assert outcomes == expected()
    assert "Traceback" not in said
    if "is of no use" in said:
        assert len(said.splitlines()) == 1
        assert list((warm / "compiled").iterdir()) == []  # the next start makes it anew
    else:
        assert said == COMPILING
        assert result(content, warm) == (expected(), "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("outcomes.py", "lambda w, p, h: w.united_states.deaths)", "lambda w, p, h: w.united_states.deaths + 1000)"),
        ("rules.py", "return day + 7.0", "return day + 6.0"),
    ],
)
def test_code_of_other_sources_is_never_used(file, old, new, content, warm, tmp_path):
    shutil.copytree(ROOT / "sim", tmp_path / "other" / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "other" / "sim" / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    outcomes, said = result(content, warm, where=tmp_path / "other")
    assert said == COMPILING
    assert outcomes != expected()
    assert outcomes == result(content, warm, "reference", where=tmp_path / "other")[0]
    assert result(content, warm) == (expected(), "")
    assert result(content, warm, where=tmp_path / "other") == (outcomes, "")
