"""Calibrations that were made, as other commands read them: what their tables have, and which day they end on."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sim.case import read_date

BESIDE = ("weight", "replication", "distance")  # columns of a posterior that are no parameters
CARRIED = "carried."  # before the key of a value that is as of the last known day
FEW = 30.0  # effective trajectories below which a posterior is rough


def last_known_day(manifest: Mapping[str, Any]) -> date | None:
    """The last day that a finished calibration has seen; None if the study is anything else, or does not say."""
    if manifest.get("application") != "calibrate" or not manifest.get("complete"):
        return None
    try:
        return read_date(str(manifest["config"].get("until")))
    except ValueError:
        return None
