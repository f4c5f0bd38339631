"""What a hindcast says on screen: the model beside each baseline, losses as plainly as wins, and what was not used."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.particles import Origins
from sim.analysis.baselines import BASELINES
from sim.analysis.scores import ALL, FLOOR
from sim.analysis.skill import WINDOW
from sim.history.forecasts import MODEL, Outlook

if TYPE_CHECKING:
    import pandas as pd

SHORT = {"last_year_bootstrap": "last year", "constant_poisson": "Poisson", "ar1_negative_binomial": "AR(1)"}
HEADS = ("series", "source", "windows", MODEL, *SHORT.values(), "the model", "against", "sure?", "50 %", "90 %")
OTHERS = " *"  # after a baseline's name: of some windows it had none of the source before
MOST = 12  # windows that are not used, before the rest is only counted


def tell(forecasts: "pd.DataFrame", scores: "pd.DataFrame", looks: Sequence[Outlook], chosen: Origins) -> None:
    """Tables of mean scores by origin, series and source; then what they come to."""
    console.say(f"Forecasts by {chosen.words}")
    for origin in dict.fromkeys(scores["origin"]):
        own = scores[scores["origin"] == origin]
        when = "all origins together" if origin == ALL else f"from {origin}"
        if origin in chosen.effective:
            when += f" (by an effective {chosen.effective[origin]:.0f} trajectories)"
        rows = table_rows(own)
        console.table(f"Mean CRPS of forecasts {when}, in counts, less is better", HEADS, rows)
        if any(row[HEADS.index("against")].endswith(OTHERS) for row in rows):
            console.say(
                "* by other sources: of some of these windows the source had none before, and the baseline none of its own"
            )
    tell_sum(scores)
    tell_coverage(forecasts)
    for look in looks:
        tell_unused(look)


def tell_exits(exits: "pd.DataFrame") -> None:
    """The ratios of an exit, simulated and on record."""
    if len(exits):
        console.table(
            "Fatal attacks in so many days after the exit over those in as many before: on record, and simulated",
            ("record", "origin", "days", "on record", "median", "90 % range", "holds it?"),
            [
                [
                    *(row["source"], row["origin"], str(row["days"]), f"{row['recorded']:.2f}", f"{row['q50']:.2f}"),
                    *(f"{row['q05']:.2f} to {row['q95']:.2f}", "yes" if row["inside"] else "NO"),
                ]
                for row in exits.to_dict("records")
            ],
        )


def table_rows(own: "pd.DataFrame") -> list[list[str]]:
    """A row for each series and source of one origin."""
    found = []
    groups: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in own.to_dict("records"):
        groups.setdefault((row["series"], row["source"]), {})[row["method"]] = row
    for (series, source), of in groups.items():
        ours = of[MODEL]
        most = ours["windows"] - ours["floors"]
        cells = [series, source, windows_told(ours)]
        for method in (MODEL, *BASELINES):
            cells.append(score_told(of.get(method), most))
        cells += verdict([row for row in of.values() if row["best"]])
        found.append([*cells, *(share_told(ours[column]) for column in ("coverage50", "coverage90"))])
    return found


def windows_told(row: "Mapping[str, Any] | pd.Series") -> str:
    """How many, of how many different ones, and how many of them are floors, which have no CRPS."""
    of = [f"of {row['different']:.0f}"] if row["different"] < row["windows"] else []
    of += [f"{row['floors']:.0f} at least"] if row["floors"] else []
    return f"{row['windows']:.0f}" + (f" ({', '.join(of)})" if of else "")


def share_told(share: float) -> str:
    """A share, if there is one: floors alone have no coverage."""
    return "-" if share != share else f"{share:.0%}"


def score_told(row: dict[str, Any] | None, most: int) -> str:
    """A mean CRPS; of how many windows, if others have more."""
    if row is None or row["crps"] != row["crps"]:
        return "-"
    here = row["windows"] - row["floors"]
    return console.number(row["crps"]) + (f" (of {here})" if here < most else "")


def verdict(best: Sequence[dict[str, Any]]) -> list[str]:
    """Who wins by how much, against which baseline, and whether the windows are enough to tell."""
    if not best:
        return ["-", "none to be had", "-"]
    row = best[0]
    skill = row["skill"]
    word = "wins by" if skill > 0 else "LOSES by" if skill < 0 else "ties"
    amount = "" if skill == 0 else " any factor" if abs(skill) == float("inf") else f" {abs(skill):.0%}"
    return [word + amount, SHORT[row["method"]] + (OTHERS if row["own"] < 1 else ""), sureness(row)]


def sureness(row: dict[str, Any]) -> str:
    """Whether the interval of the difference leaves the sign open."""
    low, high = row["difference_lower"], row["difference_upper"]
    if low != low:
        return "too few"
    return "yes" if low > 0 or high < 0 else "no"


def tell_sum(scores: "pd.DataFrame") -> None:
    """In how many groups the model loses, and how many of its wins are over a baseline of other sources."""
    single = scores[(scores["origin"] != ALL) & (scores["source"] != ALL) & scores["best"]]
    lost = single[single["skill"] < 0]
    if len(single):
        names = ", ".join(f"{row['series']} of {row['source']} from {row['origin']}" for row in lost.to_dict("records"))
        console.say(
            f"The model loses to the best baseline in {len(lost)} of {len(single)} cases of an origin, series and source"
            + (f": {names}" if names else "")
        )
    won = single[single["skill"] > 0]
    if others := int((won["own"] < 1).sum()):
        console.say(
            f"Of the {len(won)} that it wins, {others} {'is' if others == 1 else 'are'} over a baseline of other sources' "
            "windows as they stand: it knows nothing of how sources differ"
        )


def tell_coverage(forecasts: "pd.DataFrame") -> None:
    """How many counts the model's intervals held; floors by themselves, which any interval that reaches far enough would hold."""
    ours = forecasts[forecasts["method"] == MODEL]
    floors = ours["kind"] == FLOOR
    counts, reached = ours[~floors], int(ours.loc[floors, "inside90"].sum())
    if len(counts):
        inside, different = int(counts["inside90"].sum()), len(counts[WINDOW].drop_duplicates())
        console.say(
            f"Its 90 % intervals hold {inside} of {many(len(counts), 'count')} ({inside / len(counts):.0%}), its 50 % "
            f"intervals {counts['inside50'].mean():.0%}: {many(len(counts), 'forecast')} of {many(different, 'window')}; "
            "neighbouring windows share their luck, so these are few"
        )
    if floors.any():
        console.say(f"Not among them: {many(int(floors.sum()), 'floor')} (at least so many), of which they reach {reached}")


def many(number: int, noun: str) -> str:
    """1 window; 2 windows."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def tell_unused(look: Outlook) -> None:
    """The windows that straddle an origin, and how many end too late."""
    if look.straddling:
        shown = [f"{w.series} of {w.source}, {w.start} to {w.end}" for w in look.straddling[:MOST]]
        more = f"; and {len(look.straddling) - MOST} more" if len(look.straddling) > MOST else ""
        console.say(f"Not used from {look.origin}, for they straddle it: {'; '.join(shown)}{more}")
    if look.later:
        console.say(f"Not used from {look.origin}, for they end later than asked for: {len(look.later)} of the windows")
