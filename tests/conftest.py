"""The tests find each other and the model in the tree they lie in, however pytest is started; and the engine is compiled once."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
MADE: list[str] = []


def pytest_configure(config: Any) -> None:
    """Where the user's cache folder cannot be used, keep the compiled engine in one for this run: many tests start a process of
    their own, and each would compile."""
    from sim.engines.build import VARIABLE, Engine, folder

    if hasattr(config, "workerinput"):
        return  # a worker of xdist has the environment of its parent
    try:
        folder(Engine().dispatch.text)
    except OSError:
        MADE.append(tempfile.mkdtemp(prefix="posture-"))
        os.environ[VARIABLE] = MADE[0]


def pytest_unconfigure(config: Any) -> None:
    for place in MADE:
        shutil.rmtree(place, ignore_errors=True)
