"""posture hindcast: forecasts of what was counted, from days in the past, scored beside plain baselines."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import isinf
from typing import TYPE_CHECKING, Any, Protocol

from experiments import console, session
from experiments.choices import refuse_unused
from experiments.particles import Origins, particles_of
from experiments.posteriors import record_hash
from experiments.settings import HindcastSettings, read
from experiments.verdicts import tell, tell_exits
from sim.analysis.scores import ALL
from sim.case import read_date
from sim.errors import RequestError
from sim.history.exits import COLUMNS as EXITS
from sim.history.exits import exit_rows
from sim.history.forecasts import MODEL, Outlook, of_baselines, of_model, outlook, rows
from sim.history.record import SERIES, SHIPPED, Window, read_record, shipped
from sim.history.simulated import within
from sim.history.sources import undeclared
from sim.scenario import Scenario
from sim.studies.place import place
from sim.studies.plan import Wanted
from sim.studies.study import Study, now

if TYPE_CHECKING:
    import pandas as pd

ORIGINS = (date(2011, 12, 18), date(2020, 3, 31), date(2020, 12, 31))  # of which those inside the episode are the default
AMOUNTS = ("population", "generations", "replications")  # none of which an earlier calibration has use for
UNUSED = {"calibrate": ("replications",), "none": ("population", "generations")}  # of them, by posterior
TABLES = ("forecasts", "scores", "exits", "calibrations")  # and unused
BEFORE = 365  # days before the origin whose counts stand in the figure
LABELS = {name: (f"{text[:1].upper()}{text[1:].partition(':')[0]}", "") for name, text in SERIES.items()}


def application(config: dict[str, Any], overrides: Sequence[str] = ()) -> int:
    """Forecast from each origin, score, and tell; returns the exit status.

    Args:
        overrides: what the user set.
    Raises:
        RequestError, Halted
    """
    scenario, settings = read(HindcastSettings, config)
    unused_keys = UNUSED.get(settings.posterior, AMOUNTS)
    refuse_unused("hindcast", overrides, scenario.schedule.name, unused_keys, f"posterior={settings.posterior}")
    recorded = record_of(settings)
    windows = inside(recorded, settings, scenario)
    looks = [outlook(windows, origin, settings.ahead) for origin in origins_of(settings, scenario)]
    check_something(looks, settings, scenario)
    about = manifest(scenario, settings, config, windows, looks)
    if settings.plan:
        tell_plan(looks, settings)
        return 0
    chosen = particles_of(settings, scenario, config, looks)
    session.contradictions(place(settings.results), settings, about)
    study = session.begun(place(settings.results), settings, "hindcast", about)
    finished = False
    try:
        forecasts, exits = forecast(scenario, settings, looks, chosen)
        scores = concluded(study, forecasts, exits, chosen, settings)
        study.write_table("unused", unused(looks, outside(recorded, windows) if settings.observed else []))
        study.write_manifest({"name": study.name, **about, "complete": True, "finished": now(), **chosen.told()})
        draw(study, forecasts, scores, looks)
        finished = True
    except OSError as error:
        raise session.unwritable(settings.results, error) from None
    finally:
        study.end(finished)
    tell(forecasts, scores, looks, chosen)
    tell_exits(exits)
    console.say(f"results: {study.where}")
    return 0


# -- what is asked for ---------------------------------------------------------------------------------------------------
class Observing(Protocol):
    """Settings that name a file of counts, or none."""

    @property
    def observed(self) -> str | None: ...


def counted(settings: Observing, scenario: Scenario) -> list[Window]:
    """The windows of the record, or of the user's own file, that lie inside the episode.

    Raises:
        RequestError: if the file is not what it should be, or none of its windows lies inside.
    """
    return inside(record_of(settings), settings, scenario)


def record_of(settings: Observing) -> list[Window]:
    """All windows of the record that ships, or of the user's own file.

    Raises:
        RequestError: if the file is not what it should be.
    """
    if settings.observed is None:
        return [window for name in SHIPPED for window in shipped(name)]
    return read_record(settings.observed)


def inside(known: Sequence[Window], settings: Observing, scenario: Scenario) -> list[Window]:
    """Those that lie inside the episode. Of a user's own file the others are told of, and so are sources that nobody declared.

    Raises:
        RequestError: if there are none.
    """
    found = within(known, scenario)
    if not found:
        raise RequestError(
            f"observed = {settings.observed!r}: no window lies inside the episode, {scenario.start} to {last_day(scenario)}"
        )
    if settings.observed is not None and len(found) < len(known):
        console.warn(
            f"observed = {settings.observed!r}: {len(known) - len(found)} of {len(known)} windows do not lie inside the episode, "
            f"{scenario.start} to {last_day(scenario)}, and are not used"
        )
    for source, series in undeclared(found):
        console.warn(f"{series} of {source}: a source that is not declared; its coverage is taken to be anything from 0.15 to 1")
    return found


def outside(known: Sequence[Window], used: Sequence[Window]) -> list[Window]:
    """Those of a file that are not used."""
    there = set(used)
    return [window for window in known if window not in there]


def last_day(scenario: Scenario) -> date:
    return scenario.start + timedelta(days=scenario.horizon_days - 1)


def origins_of(settings: HindcastSettings, scenario: Scenario) -> list[date]:
    """The days to forecast from, in their order.

    Raises:
        RequestError: for what is no date, is there twice, or lies outside the episode; if none are given, and none of ORIGINS
        lies inside.
    """
    if settings.origins is None:
        inside = [day for day in ORIGINS if scenario.start <= day < last_day(scenario)]
        if not inside:
            raise RequestError(f"origins = null: expected days to forecast from, from {scenario.start} to {last_day(scenario)}")
        return inside
    found: list[date] = []
    for text in settings.origins:
        try:
            day = read_date(text)
        except ValueError as error:
            raise RequestError(f"origins = {text!r}: {str(error).partition(', found')[0]}") from None
        if day in found:
            raise RequestError(f"origins = {text!r}: there twice; expected different days")
        if not scenario.start <= day < last_day(scenario):
            raise RequestError(
                f"origins = {text!r}: outside the episode; expected a day from {scenario.start} to "
                f"{last_day(scenario) - timedelta(days=1)}"
            )
        found.append(day)
    return sorted(found)


def check_something(looks: Sequence[Outlook], settings: HindcastSettings, scenario: Scenario) -> None:
    """Refuse a request that has nothing to score, or nothing to calibrate on, and warn of single origins that have none to score.

    Raises:
        RequestError
    """
    if not any(look.scored for look in looks):
        days = ", ".join(str(look.origin) for look in looks)
        raise RequestError(
            f"origins = [{days}]: nothing to score: no window of the record starts after an origin and ends within "
            f"ahead={settings.ahead} days of it"
        )
    for look in looks:
        if look.scored and not look.past and settings.posterior == "calibrate":
            raise RequestError(
                f"origins = {str(look.origin)!r}: no window of the record ends by then inside the episode, so there is nothing "
                "to calibrate on; expected a later day, or posterior=none"
            )
    for look in looks:
        if not look.scored:
            console.warn(f"origin {look.origin}: no window starts after it and ends within {settings.ahead} days; left out")


def manifest(
    scenario: Scenario, settings: HindcastSettings, config: dict[str, Any], windows: Sequence[Window], looks: Sequence[Outlook]
) -> dict[str, Any]:
    """What the study's manifest says before anything is computed."""
    name = scenario.schedule.name
    wanted = [Wanted(name, scenario, settings.seed, settings.replications, 0)]
    more = {
        "origins": [look.origin.isoformat() for look in looks],
        "ahead": settings.ahead,
        "posterior": settings.posterior,
        "record": record_hash(windows),
        "windows": len(windows),
    }
    if settings.posterior == "calibrate":
        more |= {"population": settings.population, "generations": settings.generations}
    return session.Request("hindcast", "hindcast", wanted, config, {name: {"schedule": name}}, more=more).manifest()


def tell_plan(looks: Sequence[Outlook], settings: HindcastSettings) -> None:
    """Say what would be forecast from what."""
    console.table(
        f"Would be forecast, posterior = {settings.posterior}; nothing is done",
        ("origin", "windows known", "to score", "straddling", "later"),
        [[str(k.origin), *(str(len(of)) for of in (k.past, k.scored, k.straddling, k.later))] for k in looks],
    )


# -- computing -----------------------------------------------------------------------------------------------------------
def forecast(
    scenario: Scenario, settings: HindcastSettings, looks: Sequence[Outlook], chosen: Origins
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """A row for each origin, window and method: the forecast's quantiles, what was counted, and the scores; and the ratios of
    exits that took place on an origin."""
    import pandas as pd

    found: list[dict[str, Any]] = []
    exits: list[dict[str, Any]] = []
    redraw = settings.posterior != "none"  # with none, trajectories have learnt nothing, and are to stay so
    for look in looks:
        if not look.scored:
            continue
        particles = chosen.at(look)
        with console.progress(len(particles), f"forecasting from {look.origin}") as advance:
            model = of_model(scenario, look, particles, settings.seed, advance, redraw, chosen.until)
        found += rows(look, {MODEL: model, **of_baselines(look, settings.seed)}, settings.seed)
        exits += exit_rows(scenario, look, particles, settings.seed, redraw=redraw, priors=chosen.until)
    forecasts = pd.DataFrame(found).astype({"start": "datetime64[s]", "end": "datetime64[s]"})
    return forecasts, pd.DataFrame(exits, columns=list(EXITS))


def concluded(
    study: Study,
    forecasts: "pd.DataFrame",
    exits: "pd.DataFrame",
    chosen: Origins,
    settings: HindcastSettings,
) -> "pd.DataFrame":
    """Write the tables, those that there are; returns the scores."""
    import pandas as pd

    from sim.analysis.skill import pooled

    scores = pooled(forecasts, MODEL, seed=settings.seed % 2**32)
    learnt = [table.assign(origin=origin) for origin, table in chosen.learnt.items()]
    made = {"forecasts": forecasts, "scores": scores}
    made |= {"exits": exits} if len(exits) else {}
    made |= {"calibrations": pd.concat(learnt, ignore_index=True)} if learnt else {}
    for name in TABLES:
        if name in made:
            study.write_table(name, made[name])
        else:
            study.place.delete(study.at(f"{name}.parquet"))
    impossible = sum(isinf(value) for value in forecasts["log_score"])
    if impossible:
        console.warn(f"{impossible} counts were impossible by a forecast: their log score is infinite, and so are means with it")
    return scores


def unused(looks: Sequence[Outlook], elsewhere: Sequence[Window]) -> "pd.DataFrame":
    """The windows that no forecast learnt from nor was scored on, by origin, and why; "all" for those outside the episode."""
    import pandas as pd

    reasons = [
        *((str(k.origin), "straddles the origin", k.straddling) for k in looks),
        *((str(k.origin), "ends later than is asked for", k.later) for k in looks),
        (ALL, "outside the episode", elsewhere),
    ]
    rows = [(origin, why, w.start, w.end, w.series, w.source, w.kind, w.count) for origin, why, of in reasons for w in of]
    columns = ["origin", "why", "start", "end", "series", "source", "kind", "count"]
    return pd.DataFrame(rows, columns=columns).astype({"start": "datetime64[s]", "end": "datetime64[s]"})


# -- figures -------------------------------------------------------------------------------------------------------------
def draw(study: Study, forecasts: "pd.DataFrame", scores: "pd.DataFrame", looks: Sequence[Outlook]) -> None:
    """The figures of each origin, and one PIT histogram of all, into the study's folder, PNG and SVG."""
    import pandas as pd

    from sim.figures import figure, images

    study.place.delete_folder(study.at("figures"))
    drawn = 0
    charts: list[tuple[str, Any]] = []
    for look in looks:
        origin = look.origin.isoformat()
        own = forecasts[forecasts["origin"] == origin]
        if own.empty:
            continue
        recent = [w for w in look.past if w.start > look.origin - timedelta(days=BEFORE)]
        past = pd.DataFrame(
            [(w.start, w.end, w.series, w.source, w.kind, w.count) for w in recent],
            columns=["start", "end", "series", "source", "kind", "count"],
        )
        charts.append((f"windows_{origin}", figure("hindcast")(own, LABELS, origin=look.origin, past=past)))
        of_origin = scores[(scores["origin"] == origin) & (scores["series"] != ALL)]
        if of_origin["crps"].notna().any():
            charts.append((f"skill_{origin}", figure("skill")(of_origin, LABELS, subject=origin)))
    if (histograms := pit_table(forecasts)) is not None:
        table, windows = histograms
        charts.append(("pit", figure("pit")(table, windows=windows)))
    for name, chart in charts:
        for suffix, data in images(chart).items():
            study.place.write(study.at(f"figures/{name}.{suffix}"), data)
        drawn += 1
    console.say(f"figures: {drawn}, each as PNG and SVG, in {study.where}/figures")


def pit_table(forecasts: "pd.DataFrame") -> "tuple[pd.DataFrame, dict[str, int]] | None":
    """The histogram of each method, and of how many windows it is; None if no window has a PIT."""
    import pandas as pd

    from sim.analysis.scores import pit_histogram

    scored = forecasts.dropna(subset=["pit_low"])
    if scored.empty:
        return None
    found: list[tuple[str, float, float, float]] = []
    windows: dict[str, int] = {}
    for method in dict.fromkeys(scored["method"]):
        own = scored[scored["method"] == method]
        shares = pit_histogram(own["pit_low"].to_numpy(), own["pit_high"].to_numpy())
        found += [(method, k / len(shares), (k + 1) / len(shares), float(share)) for k, share in enumerate(shares)]
        windows[method] = len(own)
    return pd.DataFrame(found, columns=["method", "low", "high", "share"]), windows
