"""Processes of their own, for tests that need a fresh interpreter or environment."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILING = "compiling the model for this machine, some 20 s, once\n"


def program(text: str, *words: str, where: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """A program in a process of its own."""
    own = {**os.environ, "PYTHONPATH": str(where), **environment}
    done = subprocess.run(
        [sys.executable, "-c", text, *words], cwd=where, env=own, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
