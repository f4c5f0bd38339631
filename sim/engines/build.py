"""Compile the loop and the rules once, and keep the machine code in the user's cache folder.

The folder is named by a hash of all sources of the model and of the engine, and of the versions that compiled them: code of
another state of the sources is never found, so it can never be stale. Nothing is written beside the installed files.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from sim.engines import loop, sources
from sim.engines.dispatch import Dispatch

VARIABLE = "POSTURE_CACHE"  # names another place for the cache
TAG = re.compile(r"[0-9a-f]{16}")  # names of folders
KEPT = 5  # folders of other states of the sources that are kept
LIBRARIES = ("numba", "llvmlite", "numpy")
Announce = Callable[[str], None]


def to_terminal(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def is_compiled() -> bool:
    """Whether rules are compiled here; where there is no compiler (NUMBA_DISABLE_JIT=1) they run as plain Python, slowly."""
    try:
        from numba import config
    except ImportError:
        return False
    return not getattr(config, "DISABLE_JIT", 0)


class Engine:
    """The loop bound to the rules of the register. It is compiled, or found in the cache, when it is first called.

    announce: takes a line for the user before a compilation, which takes a while.
    """

    def __init__(self, announce: Announce = to_terminal) -> None:
        self.dispatch = Dispatch()
        self.announce = announce
        self._entry: Callable[..., None] | None = None
        self._lock = Lock()

    def __call__(self, slots: Any, state: Any, worlds: Any, p: Any, seed: Any, first: Any, start: int, *into: Any) -> None:
        """sim.engines.loop.replications, less its functions; `into` is rows, weeks and events."""
        with self._lock:
            if self._entry is None:
                rows, *others = into
                self._entry = self._made((slots, state, worlds, p, seed, first, 0, rows[:0], *others))
        self._entry(slots, state, worlds, p, seed, first, start, *into)

    def _made(self, nothing: tuple[Any, ...]) -> Callable[..., None]:
        """The entry, after a call with nothing to do: for what it compiles or loads then."""
        if not is_compiled():
            return self.plain()
        try:
            place = folder(self.dispatch.text)
        except OSError as error:
            self.announce(f"compiling the model, some 20 s; it cannot be kept: {error}")
        else:
            try:
                entry = self.jitted(place)
                if not {".nbi", ".nbc"} <= {path.suffix for path in Path(entry.stats.cache_path).glob("*.nb*")}:
                    self.announce("compiling the model for this machine, some 20 s, once")
                entry(*nothing)
            except Exception as error:  # a broken cache, a full disk: whatever it is, there is a way without
                self.announce(f"compiling the model, some 20 s; {place} is of no use: {type(error).__name__}: {error}")
                shutil.rmtree(place, ignore_errors=True)
            else:
                return entry
        entry = self.jitted(None)
        entry(*nothing)
        return entry

    def plain(self) -> Callable[..., None]:
        """The same loop and rules, as Python runs them."""
        from sim.luck import draw

        return self.assembled("dispatch", inner=same, compiled=same, draw=lambda *key: draw(*(int(k) for k in key)))

    def jitted(self, place: Path | None) -> Any:
        """The loop and rules under numba, with a cache in that folder if there is one."""
        import numba
        from numba.extending import register_jitable

        from sim.engines.philox import draw
        from sim.rules import RULES

        for function in {*RULES, *self.dispatch.names.values(), *loop.COMPILED}:
            register_jitable(function)
        # a division by zero raises, as in Python; no fastmath, which would change bits
        compiled = numba.njit(cache=place is not None, nogil=True, error_model="python")
        functions = {"inner": register_jitable, "compiled": compiled, "draw": draw}
        if place is None:
            return self.assembled("dispatch.py", **functions)
        path = place / "dispatch.py"
        write(path, self.dispatch.text)
        config: Any = numba.config
        elsewhere = config.CACHE_DIR  # NUMBA_CACHE_DIR, which need not be private, would come first
        config.CACHE_DIR = ""
        try:
            entry = self.assembled(str(path), **functions)
        finally:
            config.CACHE_DIR = elsewhere
        if not Path(entry.stats.cache_path).is_relative_to(place):
            raise PermissionError(f"numba would keep the code in {entry.stats.cache_path}")
        return entry

    def assembled(self, path: str, **functions: Any) -> Any:
        """The entry of the module of that text, which is run as it stands here; the file is for numba, and for reading."""
        space = {"__name__": __name__, **self.dispatch.names, **functions, "loop": loop.replications}
        exec(compile(self.dispatch.text, path, "exec"), space)  # made from the register; nothing of a configuration is in it
        return space["replications"]


def same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def folder(text: str) -> Path:
    """The folder for the machine code of the present sources, made if need be.

    What lies there is loaded as code, so nobody else may be able to write to it.

    Raises:
        OSError: if there is none that is private and writable.
    """
    from platformdirs import user_cache_path

    named = os.environ.get(VARIABLE)
    root = (Path(named).expanduser().absolute() if named else user_cache_path("posture")) / "compiled"
    place = root / tag(text)
    for path in (root.parent, root, place):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not private(path):
            raise PermissionError(f"others may write to {path}")
        if not os.access(path, os.W_OK):
            raise PermissionError(f"{path} cannot be written to")
    place.touch()  # in use
    prune(root, place)
    return place


def prune(root: Path, place: Path) -> None:
    """Remove what is left of other states of the sources, but for the latest; never anything that is not of our making."""
    ours = [path for path in root.iterdir() if TAG.fullmatch(path.name) and path != place and not path.is_symlink()]
    ours = [path for path in ours if (path / "dispatch.py").is_file()]
    for old in sorted(ours, key=lambda path: -path.stat().st_mtime)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def private(place: Path) -> bool:
    """Whether the folder is ours and nobody else can write to it. Windows keeps a user's own folders so."""
    if not hasattr(os, "getuid"):
        return True
    found = place.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def tag(text: str) -> str:
    """A hash of all that the machine code depends on: sources, libraries, Python, processor."""
    from llvmlite import binding

    digest = sha256(text.encode())
    for source in sources.content():
        digest.update(source)
    words = [sys.version, binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    words += [version(name) for name in LIBRARIES]
    digest.update("\n".join(words).encode())
    return digest.hexdigest()[:16]


def write(path: Path, text: str) -> None:
    """Write a file whole, always with the same time: numba takes another time for another source."""
    content = text.encode()
    if path.exists() and path.read_bytes() == content:
        return
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content)
        os.utime(aside, (1, 1))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
