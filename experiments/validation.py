"""make validation: score the model against the record, and keep what came out in docs/validation/.

The scored windows are never tuned to: this runs the shipped commands with their defaults, once. `make docs` puts the tables that
lie there into docs/validation.md.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.command import main as command
from sim.studies.place import place
from sim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

KEPT = Path(__file__).parent.parent / "docs" / "validation"
STUDY, PRIORS, EARLIER, EXIT = "validation", "validation_priors", "validation_earlier", "validation_exit"
DAYS = "origins=[2018-12-31,2019-06-30,2019-12-31]"  # with 91 days ahead nothing of them is scored by the default hindcast
DIGITS = "%.6g"


def main() -> int:
    """Run everything, keep the tables and pictures; returns the exit status of the first command that fails."""
    from experiments.patterns import patterns

    requests = (
        ["hindcast", f"name={STUDY}"],
        ["hindcast", f"name={PRIORS}", "posterior=none"],
        ["hindcast", f"name={EARLIER}", DAYS, "ahead=91"],
        ["hindcast", f"name={EXIT}", "episode=iraq_2009_2013"],
    )
    for request in requests:
        if status := command([*request, "workers=2", "changed=recompute"]):
            return status
    KEPT.mkdir(exist_ok=True)
    scored, priors, earlier, exits = (Study(place("results"), name) for name in (STUDY, PRIORS, EARLIER, EXIT))
    for name in ("forecasts", "scores", "calibrations"):
        keep(scored.read_table(name), name)
    keep(priors.read_table("scores"), "prior_scores")
    keep(earlier.read_table("scores"), "earlier_scores")
    keep(exits.read_table("exits"), "exits")
    keep(exits.read_table("scores"), "exit_scores")
    keep(patterns(), "patterns")
    for path in scored.place.sizes(scored.at("figures")):
        if path.endswith(".svg"):
            (KEPT / path.rpartition("/")[2]).write_bytes(scored.place.read(path))
    return 0


def keep(table: "pd.DataFrame", name: str) -> None:
    """As CSV, to six digits: what differs beyond them is of the machine's arithmetic."""
    table.to_csv(KEPT / f"{name}.csv", index=False, float_format=DIGITS)
    print(f"docs/validation/{name}.csv: {len(table):,} rows")


if __name__ == "__main__":
    sys.exit(main())
