"""Random valid scenarios for tests: each a function of its number, and so are the seed and the replications it is run with."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from numpy.random import Generator, default_rng

from experiments.choices import ORDER
from sim.agents.dated import KINDS, LASTING
from sim.case import DATED, ROLES
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.state import CONDITIONS, STEPS
from tests.worlds import RIVALS, content, scenario

SALT = 8_675_309  # another salt, other scenarios
SCHEDULES = (*ORDER, "own", "own", "own", "own")  # number by number; own ones are made at random
HORIZONS = (30, 1500)
WIDE = 0.1  # share of scenarios with parameters far outside their priors
EXTREME_KEYS = (0, 1, 2**63, 2**64 - 1)
NAMES = ("hardline", "a", "z9", "brigade_2", "b", "coalition", "m_", "group_10", "group_2", "quiet")
HARMLESS = ("at least 0 reported ISIS attacks in 7 days", "ISF readiness at least 0", "no US death for 0 days")  # always hold
T = TypeVar("T")


# -- random scenarios --------------------------------------------------------------------------------------------------
def whole(rng: Generator, low: int, high: int) -> int:
    """A whole number, both ends included."""
    return int(rng.integers(low, high, endpoint=True))


def pick(rng: Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def odds(rng: Generator, share: float) -> bool:
    return bool(rng.random() < share)


def between(rng: Generator, low: float, high: float, ends: float = 0.125) -> float:
    """Anywhere in a range, or, one time in eight, at an end of it."""
    return pick(rng, (low, high)) if odds(rng, ends) else low + (high - low) * float(rng.random())


def random_scenario(number: int) -> Scenario:
    """The scenario of this number: schedules and rivals in turn, everything else at random, always a valid one."""
    rng = default_rng([SALT, number])
    name = SCHEDULES[number % len(SCHEDULES)]
    data = content(scenario("open_ended" if name == "own" else name))
    first = date.fromisoformat(data["start"])
    start = first if odds(rng, 0.2) else date(2009, 1, 1) + timedelta(days=whole(rng, 0, 8034))  # to the end of 2030
    data["start"] = start.isoformat()
    data["horizon_days"] = random_horizon(rng)
    data["case"] |= random_case(rng, start) | random_past(default_rng([SALT, number, 0, 2]), start)
    if name == "own":
        data["case"]["posture"] = random_posture(rng)
        data["schedule"] = random_schedule(rng, start, data["case"]["posture"])
    else:
        move_dates(data["schedule"], start - first)
        data["case"]["posture"] = enough(rng, data["case"]["posture"]) if data["schedule"]["steps"] else random_posture(rng)
    data["rivals"]["announcement"]["module"] = RIVALS[number % len(RIVALS)]
    data["rivals"]["excitation"]["active"] = odds(rng, 0.6)
    data["militias"]["groups"] = random_groups(rng)
    set_parameters(rng, data, pick(rng, (0.1, 0.5, 1.0)) if odds(rng, WIDE) else 0.0)
    made = read_scenario(data)
    steps = [int(day) for day in made.plan.days if HORIZONS[0] <= day <= HORIZONS[1]]
    if steps and odds(rng, 0.1):  # the last day counts: let something be planned for it
        made = read_scenario({**data, "horizon_days": pick(rng, steps)})
    return made


def random_key(number: int, run: int = 0) -> tuple[int, int]:
    """Seed and replication for one run of a scenario: any 64 bits."""
    rng = default_rng([SALT, number, run, 1])
    seed, replication = (pick(rng, EXTREME_KEYS) if odds(rng, 0.2) else int(rng.integers(2**64, dtype="u8")) for _ in range(2))
    return seed, replication


def random_horizon(rng: Generator) -> int:
    """Short, middling or long; whole weeks and other numbers of days; sometimes the shortest or the longest."""
    if odds(rng, 0.04):
        return pick(rng, HORIZONS)
    days = whole(rng, *pick(rng, ((HORIZONS[0], 99), (100, 730), (731, HORIZONS[1]))))
    return max(5, days // 7) * 7 if odds(rng, 0.3) else days


def random_case(rng: Generator, start: date) -> dict[str, Any]:
    """What the calendar brings, and prices."""
    elections = sorted(whole(rng, -400, 1600) for _ in range(pick(rng, (0, 1, 2, 4, 16))))
    days_of_the_year = [f"{whole(rng, 1, 12):02}-{whole(rng, 1, 28):02}" for _ in range(pick(rng, (0, 1, 1, 3, 16)))]
    return {
        "last_us_death": (start - timedelta(days=whole(rng, 0, 2000))).isoformat(),
        "dialogue_gap": between(rng, 14.0, 300.0),
        "cost": between(rng, 0.0, 20.0),
        "elections": [(start + timedelta(days=day)).isoformat() for day in elections],
        "anniversaries": days_of_the_year,
    }


def random_past(rng: Generator, start: date) -> dict[str, Any]:
    """Dated events given as input, up to some day, and a reference posture; one time in four."""
    if not odds(rng, 0.25):
        return {}
    until = whole(rng, 2, 1200)
    kinds = [pick(rng, tuple(KINDS)) for _ in range(pick(rng, (0, 1, 5, 20, DATED)))]
    events = [{"date": (start + timedelta(days=whole(rng, 1, until - 1))).isoformat(), "what": what} for what in kinds]
    for event in events:
        if event["what"] in LASTING:
            event["days"] = whole(rng, 1, 300)
    return {
        "events": events,
        "given_until": (start + timedelta(days=until)).isoformat(),
        "reference": random_posture(rng) if odds(rng, 0.5) else None,
    }


def random_posture(rng: Generator) -> dict[str, int]:
    """Any force, of one role or of several."""
    troops = {role: pick(rng, (0, 1, 300, 900, whole(rng, 0, 5000))) for role in ROLES}
    return troops if any(troops.values()) else {**troops, pick(rng, ROLES): whole(rng, 1, 3000)}


def enough(rng: Generator, posture: dict[str, int]) -> dict[str, int]:
    """At least the posture that a shipped schedule takes its departures from."""
    return {role: troops + pick(rng, (0, 0, 1, whole(rng, 0, 3000))) for role, troops in posture.items()}


def random_groups(rng: Generator) -> dict[str, dict[str, float]]:
    """One to six groups; some have no capacity, no restraint or no ties."""
    weights = [pick(rng, (0.0, 1.0, float(rng.random()), float(rng.random()))) for _ in range(whole(rng, 1, 6))]
    share = pick(rng, (1.0, 1.0, 0.9, 0.3)) / max(1e-6, sum(weights))
    names = [str(name) for name in rng.permutation(NAMES)]
    return {
        name: {"capacity": weight * share, "restraint": multiple(rng), "ties": multiple(rng)}
        for name, weight in zip(names, weights, strict=False)
    }


def multiple(rng: Generator) -> float:
    return pick(rng, (1.0, between(rng, 0.0, 3.0)))


def set_parameters(rng: Generator, data: dict[str, Any], wide: float) -> None:
    """Every declared parameter anywhere in its prior range; a share `wide` of them anywhere that a configuration may go."""
    for parameter in declared_parameters():
        place = data
        for part in parameter.agent.split("."):
            place = place[part]
        far = odds(rng, wide)
        low, high = parameter.bounds if far else (parameter.low, parameter.high)
        place[parameter.name] = between(rng, low, high, ends=0.3 if far else 0.1)


# -- random schedules --------------------------------------------------------------------------------------------------
def move_dates(schedule: dict[str, Any], by: timedelta) -> None:
    """A shipped schedule, so many days later or earlier."""
    for step in schedule["steps"]:
        for key in ("date", "promise", "latest"):
            if step.get(key) is not None:
                step[key] = (date.fromisoformat(step[key]) + by).isoformat()


def random_schedule(rng: Generator, start: date, posture: dict[str, int]) -> dict[str, Any]:
    """A schedule of one's own: steps, levers, and perhaps a pause, an acceleration and a return."""
    made: dict[str, Any] = {"name": "own", "summary": "made at random", "steps": random_steps(rng, start, dict(posture))}
    made |= {"offers_timetable": odds(rng, 0.5), "aid": between(rng, 0.0, 1.0), "human_rights": between(rng, 0.0, 1.0)}
    if odds(rng, 0.4):
        made["pause"] = {"when": random_conditions(rng), "days": whole(rng, 1, 200)}
    if odds(rng, 0.6):
        made["accelerate"] = {"when": random_conditions(rng, easy=0.6), "to_share": min(0.99, between(rng, 0.0, 1.0))}
    if odds(rng, 0.6):
        later = pick(rng, (0, whole(rng, 0, 200)))
        made["come_back"] = {"when": random_conditions(rng, easy=0.6), "after_days": later, "posture": random_posture(rng)}
    return made


def random_steps(rng: Generator, start: date, there: dict[str, int]) -> list[dict[str, Any]]:
    """Steps in order, each with its clock, its day, perhaps a gate and what follows if it never opens."""

    def dated(day: int) -> str:
        return (start + timedelta(days=day)).isoformat()

    steps: list[dict[str, Any]] = []
    planned: list[int] = []
    day = 0
    if odds(rng, 0.2):  # a date is promised, taken back (or put off), and promised again
        days = sorted(whole(rng, 0, 120) for _ in range(3))
        promise, put_off = {"promise": dated(whole(rng, 130, 400))}, pick(rng, ({}, {"promise": dated(whole(rng, 130, 700))}))
        for day, said in zip(days, (promise, put_off, promise), strict=True):
            steps.append({"name": f"said {len(steps)}", "does": "announce", "date": dated(day), **said})
            planned.append(day)
    for k in range(len(steps), STEPS if odds(rng, 0.1) else whole(rng, 0, 6)):
        leaving = ("leave", "leave") if any(there.values()) else ()
        does = pick(rng, ("announce", "change mission", *leaving))
        step: dict[str, Any] = {"name": f"step {k}", "does": does}
        day += pick(rng, (0, 7, whole(rng, 0, 90), whole(rng, 0, 200)))
        if k and odds(rng, 0.5):
            anchor = whole(rng, 0, k - 1)
            step |= {"after": steps[anchor]["name"], "days": day - planned[anchor]}
        else:
            step["date"] = dated(day)
        if does == "leave":
            some = {role: whole(rng, 0, troops) for role, troops in there.items()}
            partly = any(some.values()) and odds(rng, 0.6)
            step["troops"] = some if partly else "all"
            there = {role: troops - some[role] if partly else 0 for role, troops in there.items()}
        elif does == "change mission":
            there = {**there, "combat": 0, "training": there["training"] + there["combat"]}
        elif odds(rng, 0.7):
            later = pick(rng, (0, whole(rng, 0, 60), whole(rng, 0, 500)))
            step |= pick(rng, ({"promise_days": later}, {"promise": dated(day + later)}))
        if odds(rng, 0.5):
            step["only_if"] = random_conditions(rng)
            if odds(rng, 0.7):
                step |= pick(rng, ({"wait_at_most": whole(rng, 0, 300)}, {"latest": dated(day + whole(rng, 0, 200))}))
                step["otherwise"] = pick(rng, ("it happens anyway", "it happens anyway", "the schedule is broken"))
        steps.append(step)
        planned.append(day)
    return steps


def random_conditions(rng: Generator, easy: float = 0.3) -> list[str]:
    """Conditions of one gate: a share `easy` always holds, some hardly ever, most at times."""
    if odds(rng, easy):
        return [pick(rng, HARMLESS)]
    days = whole(rng, 7, 392)
    forms = [
        f"fewer than {whole(rng, 0, 2 * days)} reported ISIS attacks in {days} days",
        f"at least {whole(rng, 0, 2 * days)} reported ISIS attacks in {days} days",
        f"fewer than {whole(rng, 0, 60)} reported base attacks in {days} days",
        f"at least {whole(rng, 0, 30)} reported base attacks in {days} days",
        f"fewer than {whole(rng, 0, 6)} mass-casualty attacks in {days} days",
        f"at least {whole(rng, 0, 3)} mass-casualty attacks in {days} days",
        f"ISF readiness at least {pick(rng, (0, 0.4, 0.55, 0.7, 1))}",
        f"ISF readiness below {pick(rng, (0.5, 0.65, 1))}",
        f"no US death for {whole(rng, 0, 500)} days",
        "talks concluded",
        "exit demanded",
        f"help requested in the last {days} days",
    ]
    return [str(sentence) for sentence in rng.permutation(forms)[: pick(rng, (1, 1, 2, 3, CONDITIONS))]]
