"""posture calibrate: which parameters could have brought the past that was counted, by what was known on one day."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from experiments import console, session
from experiments.calibrations import FEW
from experiments.choices import refuse_unused
from experiments.hindcast import counted, last_day
from experiments.posteriors import LEARNT, Posterior, calibrated, learnt, predictive, record_hash
from experiments.settings import CalibrateSettings, read
from sim.case import read_date
from sim.errors import RequestError
from sim.history.calibration import Generation
from sim.history.record import split
from sim.scenario import Scenario
from sim.studies.place import Place, place
from sim.studies.plan import Wanted
from sim.studies.study import Study, now

if TYPE_CHECKING:
    import pandas as pd

OF_TABLES = ("complete", "finished", "config", "calibration", "generations", "effective")  # what a manifest says of its tables


def application(config: dict[str, Any], overrides: Sequence[str] = ()) -> int:
    """Calibrate, write the posterior and what was learnt, and tell; returns the exit status.

    Args:
        overrides: what the user set.
    Raises:
        RequestError, Halted
    """
    scenario, settings = read(CalibrateSettings, config)
    refuse_unused("calibrate", overrides, scenario.schedule.name)
    until = day_of(settings.until, scenario)
    past, straddling, future = split(counted(settings, scenario), until)
    if not past:
        raise RequestError(f"until = {str(until)!r}: no window of the record ends by then inside the episode")
    root, label = place(settings.results), f"{scenario.schedule.name}, until {until}"
    wanted = [Wanted(label, scenario, settings.seed, settings.replications, 0)]
    more = {"until": until.isoformat(), "record": record_hash(past), "population": settings.population}
    more |= {"windows": len(past), "left_out": len(straddling) + len(future)}
    about = session.Request(
        "calibrate", "calibrate", wanted, config, {label: {"schedule": scenario.schedule.name}}, more=more
    ).manifest()
    if settings.plan:
        console.say(
            f"Would be calibrated: {len(past)} windows up to {until}; {len(straddling)} straddle it and {len(future)} are later, "
            "and are not seen. Nothing is done"
        )
        return 0
    anew = session.contradictions(root, settings, about)
    refuse_fewer_generations(root, settings)
    study = session.begun(root, settings, "calibrate", about | ({} if anew else of_tables(root, settings)))
    finished = False
    try:
        console.say(f"{len(past)} windows up to {until}; {len(straddling)} straddle it and {len(future)} are later: not seen")
        posterior = calibrated(scenario, past, until, settings, tell_generation)
        parameters, check = concluded(study, posterior)
        study.write_manifest({"name": study.name, **about, "complete": True, "finished": now(), **summary(posterior)})
        draw(study, parameters, until)
        finished = True
    except OSError as error:
        raise session.unwritable(settings.results, error) from None
    finally:
        study.end(finished)
    tell(posterior, parameters, check)
    console.say(f"results: {study.where}")
    return 0


def day_of(text: str, scenario: Scenario) -> date:
    """The last day that is known. Raises RequestError if it is no day of the episode."""
    try:
        day = read_date(text)
    except ValueError as error:
        raise RequestError(f"until = {text!r}: {str(error).partition(', found')[0]}") from None
    if not scenario.start <= day <= last_day(scenario):
        raise RequestError(f"until = {text!r}: outside the episode; expected a day from {scenario.start} to {last_day(scenario)}")
    return day


def refuse_fewer_generations(root: Place, settings: CalibrateSettings) -> None:
    """Refuse to write over a study of that name that is nearer to the record. One that is less near goes on.

    Raises:
        RequestError
    """
    if settings.name is None or settings.changed != "refuse" or not root.exists(f"studies/{settings.name}/study.json"):
        return
    there = Study(root, settings.name).read_manifest().get("generations")
    if isinstance(there, list) and len(there) > settings.generations:
        raise RequestError(
            f"generations = {settings.generations}: study {settings.name} has {len(there)}; choose another name, or compute it "
            "anew with changed=recompute"
        )


def of_tables(root: Place, settings: CalibrateSettings) -> dict[str, Any]:
    """What the manifest of a finished study of that name says of its tables: it holds until there are nearer ones."""
    if settings.name is None or not root.exists(f"studies/{settings.name}/study.json"):
        return {}
    there = Study(root, settings.name).read_manifest()
    return {key: there[key] for key in OF_TABLES if key in there} if there.get("complete") else {}


def summary(posterior: Posterior) -> dict[str, Any]:
    """What the manifest says beside what was asked for."""
    steps = [
        {"epsilon": g.epsilon, "simulations": g.simulations, "acceptance": g.acceptance, "effective": g.effective}
        for g in posterior.generations
    ]
    return {"calibration": posterior.key, "generations": steps, "effective": posterior.effective}


def concluded(study: Study, posterior: Posterior) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Write the tables; returns what was learnt, and the look back at the past."""
    parameters, check = learnt(posterior), predictive(posterior)
    for name, table in (("posterior", posterior.table), ("calibration", parameters), ("predictive", check)):
        study.write_table(name, table)
    return parameters, check


def draw(study: Study, parameters: "pd.DataFrame", until: date) -> None:
    """Prior against posterior, PNG and SVG."""
    from sim.figures import figure, images

    chart = figure("calibration")(parameters[parameters["calibrated"]], until=until)
    for suffix, data in images(chart).items():
        study.place.write(study.at(f"figures/calibration.{suffix}"), data)


# -- on screen -----------------------------------------------------------------------------------------------------------
def tell_generation(generation: Generation, there: bool) -> None:
    was = " (was there)" if there else ""
    console.say(
        f"generation {generation.number + 1}: distance up to {generation.epsilon:.3g}, {generation.simulations:,} simulated, "
        f"{generation.acceptance:.1%} accepted, {generation.effective:.0f} effective{was}"
    )


def tell(posterior: Posterior, parameters: "pd.DataFrame", check: "pd.DataFrame") -> None:
    """What was learnt of each parameter, what stays at its prior, and how the past comes out."""
    number, mine = console.number, parameters[parameters["calibrated"]]
    console.table(
        "Prior and posterior, median and 90 % range; a prior that had seen later figures is widened",
        ["parameter", "widened", "prior", "posterior", "contraction", ""],
        [
            [
                *(row["parameter"], f"x {row['widened']:g}" if row["widened"] != 1.0 else ""),
                *(
                    f"{number(row[f'{of}_median'])} ({number(row[f'{of}_low'])} to {number(row[f'{of}_high'])})"
                    for of in ("prior", "posterior")
                ),
                *(f"{row['contraction']:.2f}", "learnt nothing" if row["contraction"] < LEARNT else ""),
            ]
            for row in mine.to_dict("records")
        ],
    )
    rest = parameters[~parameters["calibrated"]]["parameter"].tolist()
    console.say(f"not calibrated, drawn from their priors ({len(rest)}): {', '.join(rest)}")
    rows = []
    for series, source in dict.fromkeys(zip(check["series"], check["source"], strict=True)):
        own = check[(check["series"] == series) & (check["source"] == source)]
        totals = (f"{own[name].sum():,.0f}" for name in ("count", "q50"))
        rows.append([str(series), str(source), str(len(own)), *totals, f"{int(own['inside'].sum())} of {len(own)}"])
    console.table(
        "The past again, by the posterior; a range of 90 % holds nine in ten counts",
        ["series", "source", "windows", "counted", "sum of medians", "within the 90 % range"],
        rows,
    )
    if posterior.effective < FEW:
        console.warn(
            f"the posterior is worth only {posterior.effective:.0f} equally weighted trajectories: "
            "a larger population is needed for its ranges"
        )
