"""What made a result: the code, libraries and arithmetic that decide its bits, and the record of where it came from."""

import math
import platform
import struct
import subprocess
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim import luck
from sim.engines.sources import sources_hash

BLOCKS = "1"  # to be raised with every change of the columns or the meaning of stored blocks
DECIDING = ("numpy", "numba", "llvmlite")  # libraries whose version may change a bit of a history
LIBRARIES = (*DECIDING, "simpy", "pandas", "pyarrow", "pydantic", "hydra-core")
PROBES = 500  # points at which each function of the C library's mathematics is looked at


@cache
def maker() -> dict[str, str]:
    """Everything that decides the bits of a replication beside its scenario, seed and number, by the name of the field.

    sources: the model and its engines. luck: the scheme of random numbers. blocks: the form in which they are stored. numpy,
    numba, llvmlite: versions. machine, libc: whose mathematics. arithmetic: what that mathematics gives, which differs between
    processors too.
    """
    return {
        "sources": sources_hash(),
        "luck": luck.SCHEME,
        "blocks": BLOCKS,
        **{name: version_of(name) for name in DECIDING},
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip() or platform.system(),
        "arithmetic": arithmetic(),
    }


def maker_id(fields: Mapping[str, str]) -> str:
    """Eight hexadecimal digits for all the fields together: part of the names of stored files."""
    return sha256("\n".join(f"{key}={value}" for key, value in sorted(fields.items())).encode()).hexdigest()[:8]


def differing(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """Each field in which two makers differ: its name, the value there and the value here."""
    keys = list(dict.fromkeys([*ours, *theirs]))
    return [
        f"{key}: {theirs.get(key, 'none')} there, {ours.get(key, 'none')} here"
        for key in keys
        if theirs.get(key) != ours.get(key)
    ]


@cache
def arithmetic() -> str:
    """A hash of what this machine's mathematics gives at points all over the ranges that the rules use."""
    digest = sha256()
    for k in range(1, PROBES + 1):
        x = k * 0.6180339887498949 % 1.0  # spread evenly over (0, 1)
        found = [f(x) for f in (math.log, math.log1p, math.expm1, math.tanh, math.sqrt, math.cos, math.erf)]
        found += [math.exp(40.0 * x - 20.0), math.log(1e6 * x), math.tanh(8.0 * x - 4.0), math.expm1(-30.0 * x)]
        digest.update(struct.pack(f"<{len(found)}d", *found))
    return digest.hexdigest()[:16]


def version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def provenance() -> dict[str, Any]:
    """Which code made a result: revision and whether it was changed since, versions, platform. Beside `maker`, for people."""
    root = Path(__file__).parents[2]

    def git(*words: str) -> str | None:
        try:
            run = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return run.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    ours = top is not None and Path(top).resolve() == root.resolve()
    return {
        "revision": git("rev-parse", "HEAD") if ours else None,
        "changed": bool(git("status", "--porcelain", "--", "sim", "experiments", "configs")) if ours else None,
        "version": version("posture"),
        "python": platform.python_version(),
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "platform": platform.platform(),
    }
