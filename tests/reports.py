"""Reports to test: of a comparison that has every table, and of one whose every text attacks the page that shows it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.command import main
from sim.report.material import TABLES

A, B = "open_ended", "rapid_6_months"
OBJECTIVES = ["us_deaths:lower:1", "isis_attacks:lower:0.01"]
FEW = ["base_attacks", "us_deaths", "exit_demanded"]  # each is a panel of each picture, which takes time
NAN, INF = float("nan"), float("inf")
# what a comparison with objectives, a tolerance, limits, states and something to explain writes, with values that round badly
CONCLUDED: dict[str, list[tuple[Any, ...]]] = {
    "pairs": [
        (A, B, "base_attacks", 3, 2.34567, 0.1, 4.5, 2.2, 1.0, "higher", INF),
        (A, B, "us_deaths", 3, 0.0, -2.0, 2.0, 2, 1, "open", NAN),
    ],
    "selection": [
        (A, 3, -12.3456, -9.87654, 0.0, 0.0625, 0.1, NAN, 250.0),
        (B, 3, -4.05, 0.0, 9.87654, 0.93751, 0.99951, -4.4, NAN),
    ],
    "dominance": [(B, A, "", "pareto", True, 0.972), (A, B, "", "pareto", False, 0.0), (B, A, "us_deaths", "first", True, 1.0)],
    "tails": [
        (A, "us_deaths", "higher", 0.95, 26.0, 32.416667, 16.159, 36.25),
        (B, "us_deaths", "higher", 0.95, 1.0, 1.5, 1.0, 2.0),
    ],
    "survival": [
        (A, "exit_demanded", 100.0, 99.5, 98.0, 100.0, NAN, NAN, NAN, NAN, NAN),
        (B, "exit_demanded", 100.0, 100.0, 100.0, 100.0, 0.5, -0.25, 1.25, 1.0, 0.31731),
    ],
    "regret": [
        (A, 8.29567, 1.5, 12.25, 11.0, 15.5, 9.0, 20.0, 0.25, 0.0, 0.75, 8.0),
        (B, 0.125, 0, 0.5, 0.25, 0.75, 0.25, 1, 0.75, 0.25, 1, -8),
    ],
    "satisficing": [(A, "us_deaths", 5.0, "at_most", "runs", 1 / 3, 0.06, 0.79), (B, "", NAN, "", "states", 1.0, 0.43, 1.0)],
    "reversals": [
        (A, B, "rival", "announcement", "emboldenment", NAN, NAN, 2, 1.5, 0.25, 2.75, -8.3, True),
        (A, B, "parameter", "militias.restraint", "lowest third", 0.2, 0.31234567, 2, -9.0, -9.5, -8.5, -8.3, False),
    ],
    "value_of_information": [
        ("everything", "everything", 0.125, 0.0, 0.5, 0.25),
        ("announcement", "rival", 0.1, 0.0, 0.4, 0.2),
        ("militias.restraint", "parameter", 0.0, 0.0, 0.0, 0.00123456),
    ],
    "necessary": [(A, "exit_demanded", "militias/base attack", 2, 2, 1, 0.5, 0.0945, 0.9055)],
    "states": [(0, 0, "none", True, 0.31234567), (1, 0, "emboldenment", False, 0.31234567)],
}
EVIL = "<script>pwned=1</script><img src=x onerror=pwned=1> \"onload=pwned=1 ' </style> {{7*7}} \u2028 & end"


def rewritten(study: Path, **config: Any) -> None:
    """Change the configuration that a study's manifest tells of."""
    manifest = json.loads((study / "study.json").read_text(encoding="utf-8"))
    manifest["config"] |= config
    (study / "study.json").write_text(json.dumps(manifest), encoding="utf-8")


def report(results: Path, *words: str, name: str = "mine") -> str:
    assert main(["report", f"results={results}", f"name={name}", *words]) == 0
    return (results / "studies" / name / "report.html").read_text(encoding="utf-8")


def judged(comparison: Path, results: Path) -> None:
    """Copy a small comparison, give it every table, and report it."""
    shutil.copytree(comparison / "results", results)
    study = results / "studies/mine"
    rewritten(study, objectives=OBJECTIVES, outcomes=FEW)
    for name, rows in CONCLUDED.items():
        more = ("militias.restraint",) if name == "states" else ()
        pd.DataFrame(rows, columns=[*TABLES[name], *more]).to_parquet(study / f"{name}.parquet", index=False)
    report(results, "stories=2")


def hostile(place: Path) -> Path:
    """The report of a comparison with a schedule whose every text attacks the page that shows it."""
    (place / "configs/schedule").mkdir(parents=True)
    step = {"name": EVIL[:80], "does": "leave", "date": "2021-05-01", "troops": "all"}
    other = {"name": "</style>{{7*7}}\u2028'\"", "does": "announce", "date": "2021-04-10"}
    schedule = {"name": "evil", "summary": EVIL, "steps": [other, step]}
    (place / "configs/schedule/evil.yaml").write_text(json.dumps(schedule), encoding="utf-8")  # JSON is YAML
    words = [
        "schedules=[open_ended,evil]",
        "replications=3",
        "weekly=2",
        "horizon_days=60",
        "figures=false",
        "executor=serial",
        "outcomes=[us_deaths]",
    ]
    where = f"results={place / 'results'}"
    assert main(["compare", "--config-dir", str(place / "configs"), *words, where, "name=mine"]) == 0
    report(place / "results", "stories=1")
    return place / "results/studies/mine/report.html"
