"""Patterns of severity, dispersion and reaction that the record shows: what the model gives at its defaults, as one table.

    python -m experiments.patterns        # prints it as Markdown; under a minute on two cores

Nothing is tuned here. The defaults are declared, not calibrated; a pattern that does not come out is shown as outside, with the
mechanism that would have to change.
"""

from dataclasses import astuple
from math import isnan

import numpy as np
import pandas as pd

from experiments import tabular
from experiments.composition import Composer, scenario
from experiments.pattern_counts import (
    EPISODE,
    WITHOUT_EXCITATION,
    Episode,
    base_dispersion,
    isis_dispersion,
    levels,
    season,
)
from experiments.pattern_events import LONG, SEED, Logs, red_line, severity, truces
from experiments.settings import split
from sim.analysis import patterns as of
from sim.analysis.patterns import COLUMNS, Pattern, mean_row
from sim.scenario import declared_parameters, read_scenario
from sim.studies.design import prior_draws, with_values
from sim.studies.memory import simulate
from sim.studies.tables import frame

RUNS, DRAWS, RUNS_A_DRAW = 200, 160, 4
VERDICTS = {
    **{of.PUT_IN: of.PUT_IN, "inside": "inside", "overlaps": "overlapping", "outside": "outside"},
    "-": "without a published range",
}
EXIT, EXIT_HORIZON = 255.0, 987  # 18 December 2021, in days after 7 April 2021; two years more


def patterns(runs: int = RUNS, draws: int = DRAWS) -> pd.DataFrame:
    """The table, one row a pattern; see Pattern for its columns.

    Args:
        runs: replications of each scenario. draws: of the parameters from their priors, for the effect of an exit.
    """
    steady, unexcited = (Logs(scenario("open_ended", EPISODE, *more), runs) for more in ((), (WITHOUT_EXCITATION,)))
    decision = Logs(scenario("open_ended", f"horizon_days={LONG}"), runs)
    episode = Episode(runs)
    rows = [
        *severity(decision),
        *isis_dispersion(episode),
        *base_dispersion(episode, steady, unexcited),
        *season(episode),
        *levels(episode),
        *red_line(decision),
        *truces(decision),
        *exit_effect(draws),
    ]
    return pd.DataFrame([astuple(row) for row in rows], columns=list(COLUMNS))


def exit_effect(draws: int) -> list[Pattern]:
    """ISIS attacks in the years after a full exit over those of staying, on the same luck, parameters drawn from their priors."""
    first, second = exit_ratios(draws)
    source = "ours: lognormal, median 1.15, 90 % range 0.7 to 1.8"
    logs = np.log(np.column_stack([second, first]))
    return [
        mean_row(
            ("effect of a full exit in 12 months, median", "ISIS attacks, full exit over staying", "factor"),
            (1.15, 1.15, source),
            of.quantile(first, 0.5),
            f"Over {draws} draws of all parameters, {RUNS_A_DRAW} replications each, nobody leaving early. The "
            "lost effort works through the stock alone, which turns over in about a year (isis.attrition), so more than half of "
            "its effect comes later. Faster attrition, or attacks that rise with freedom of movement, would have to change it.",
        ),
        mean_row(
            ("effect of a full exit in 12 months, 5 % quantile", "ISIS attacks, full exit over staying", "factor"),
            (0.7, 0.7, source),
            of.quantile(first, 0.05),
            "Without enablers and advisers attrition can only fall: nothing in the model lets an exit lower ISIS attacks by a "
            "third (less grievance at a foreign presence, militias free to fight ISIS). Such a mechanism would have to be added.",
        ),
        mean_row(
            ("effect of a full exit in 12 months, 95 % quantile", "ISIS attacks, full exit over staying", "factor"),
            (1.8, 1.8, source),
            of.quantile(first, 0.95),
            "A stock that turns over in a year (isis.attrition 0.04 to 0.15 a month) follows the lost effort slowly. More "
            "dependence (isis.dependence), or freedom of movement gained at once, would reach further.",
        ),
        mean_row(
            ("spread in the second year over the first", "effect of a full exit", "ratio of sd of the logarithm"),
            (1.0, 10.0, "ours: fatter in the second year, at most tenfold"),
            of.resampled(
                np.concatenate([of.moments(logs[:, [k]]) for k in (0, 1)], axis=-1),
                lambda s: of.spread(s[..., :3]) / of.spread(s[..., 3:]),
            ),
            "Resampled over draws.",
        ),
    ]


def exit_ratios(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The ratio of ISIS attacks in the first and in the second year after 18 December 2021, full exit over staying, one a draw of
    the parameters. Nobody leaves early, so that whoever stays stays."""
    values = prior_draws([p for p in declared_parameters() if p.key != "united_states.early_exit"], draws, SEED)
    scenarios = {}
    for schedule in ("full_exit_no_residual", "open_ended"):
        config = split(
            Composer("run").compose([f"schedule={schedule}", f"horizon_days={EXIT_HORIZON}", "united_states.early_exit=0.0"])
        )[0]
        scenarios |= {f"{schedule} {k}": read_scenario(with_values(config, one)) for k, one in enumerate(values)}
    weekly = frame(simulate(scenarios, SEED, RUNS_A_DRAW, RUNS_A_DRAW), "weekly")
    found = []
    for year in (0, 1):
        inside = weekly[(weekly["day"] > EXIT + 365.0 * year) & (weekly["day"] <= EXIT + 365.0 * (year + 1))]
        total = inside.groupby("schedule")["isis_attacks"].sum()
        each = [total[f"full_exit_no_residual {k}"] / total[f"open_ended {k}"] for k in range(draws)]
        found.append(np.array(each))
    return found[0], found[1]


def number(value: float) -> str:
    return "" if isnan(value) else f"{value:.3g}"


def counted(table: pd.DataFrame) -> list[str]:
    """How many rows of each kind got which verdict, one line each; kinds are not added up, as they are not worth the same."""
    found = []
    for kind, meaning in of.KINDS.items():
        verdicts = list(table.loc[table["kind"] == kind, "verdict"])
        told = [f"{verdicts.count(one)} {word}" for one, word in VERDICTS.items() if one in verdicts]
        found.append(f"- **{kind}**, {meaning}: {', '.join(told) or 'none'}.")
    return found


def lines(table: pd.DataFrame) -> list[str]:
    """What came out by kind, and the table, as lines of Markdown."""
    heads = ["pattern", "of", "unit", "expected", "from", "record", "simulated (95 %)", "interval of", "kind", "verdict"]
    rows = []
    for row in (Pattern(*values) for values in table.itertuples(index=False, name=None)):
        ends = list(dict.fromkeys([number(row.low), number(row.high)]))
        simulated = f"{number(row.simulated)} ({number(row.lower)} to {number(row.upper)})"
        rows.append(
            [
                *(row.pattern, row.of, row.unit, " to ".join(ends), row.expected_from, number(row.record)),
                *(simulated, row.interval_of, row.kind, row.verdict, row.meaning),
            ]
        )
    return [*counted(table), "", *tabular.table([*heads, "what it means"], rows).splitlines(), ""]


def main() -> None:
    print("\n".join(lines(patterns())))


if __name__ == "__main__":
    main()
