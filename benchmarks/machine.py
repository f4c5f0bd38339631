"""What the benchmarks ran on. Never the name of the machine, nor of anybody."""

import platform
import subprocess
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sim.studies.executors import cores

PACKAGES = ("simpy", "numpy", "numba", "llvmlite", "joblib", "salabim", "mesa", "ciw", "simulus")


@cache
def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def said(*command: str) -> str:
    """The first line a command prints, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().split("\n")[0]


def package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def description() -> list[tuple[str, str]]:
    """What to know of the machine, one row each."""
    return [
        ("processor", processor()),
        ("cores that may be used", str(cores())),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("C compiler", said("gcc", "--version") or "none (gcc not found)"),
        ("packages", ", ".join(f"{name} {package(name)}" for name in PACKAGES)),
        ("date", date.today().isoformat()),
    ]


def in_short() -> str:
    """One line, for the section that was measured on it."""
    return f"{date.today().isoformat()}, {processor()}, {cores()} cores, Python {platform.python_version()}"
