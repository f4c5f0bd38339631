"""Whatever the scenario, as long as it is a valid one: a run ends, nothing is negative, and the books balance."""

from dataclasses import fields as fields_of
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from experiments.choices import ORDER
from sim import model
from sim.case import ROLES
from sim.conditions import read_condition
from sim.engines.reference import replicate, run_block
from sim.outcomes import AMOUNT, COUNT, DAY, INDEX, OUTCOMES, SERIES, YES_NO
from sim.readings import READINGS
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.state import ROOM
from tests.worlds import RIVALS, content, scenario

FIRST = date(2021, 4, 7)
POSTURE = {"combat": 500, "training": 900, "enablers": 800, "special_operations": 300}
GROUP_NAMES = [f"group_{k}" for k in range(6)]
few = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


# -- valid scenarios ---------------------------------------------------------------------------------------------------
def number(parameter) -> st.SearchStrategy[float]:
    """Mostly within the prior range, sometimes at its ends."""
    return st.one_of(
        st.just(parameter.default), st.floats(parameter.low, parameter.high), st.sampled_from((parameter.low, parameter.high))
    )


@st.composite
def postures(draw) -> dict[str, int]:
    """Any force, of one role or of all."""
    troops = {role: draw(st.sampled_from((0, 1, 500, 5000))) for role in ROLES}
    return troops if any(troops.values()) else {"enablers": 1}


@st.composite
def conditions(draw) -> list[str]:
    days = draw(st.integers(7, 392))
    sentences = st.sampled_from(
        [
            f"fewer than {draw(st.integers(0, 400))} reported ISIS attacks in {days} days",
            f"at least {draw(st.integers(0, 400))} reported ISIS attacks in {days} days",
            f"fewer than {draw(st.integers(0, 60))} reported base attacks in {days} days",
            f"at least {draw(st.integers(0, 4))} mass-casualty attacks in {days} days",
            f"ISF readiness at least {draw(st.sampled_from((0, 0.4, 0.55, 0.7, 1)))}",
            "ISF readiness below 0.5",
            f"no US death for {draw(st.integers(0, 500))} days",
            "talks concluded",
            "exit demanded",
            f"help requested in the last {days} days",
        ]
    )
    return draw(st.lists(sentences, min_size=1, max_size=3, unique=True))


@st.composite
def step_lists(draw) -> list[dict[str, Any]]:
    """Steps in order, each with its clock, its day, perhaps a gate and what follows if it never opens."""
    there, day, steps, planned = dict(POSTURE), 0, [], []
    for k in range(draw(st.integers(0, 6))):
        does = draw(st.sampled_from(("announce", "change mission", "leave", "leave")))
        step: dict[str, Any] = {"name": f"step {k}", "does": does}
        day += draw(st.integers(0, 200))
        if k and draw(st.booleans()):
            anchor = draw(st.integers(0, k - 1))
            step |= {"after": f"step {anchor}", "days": day - planned[anchor]}
        else:
            step["date"] = (FIRST + timedelta(days=day)).isoformat()
        if does == "leave":
            if not any(there.values()):
                break
            some = {role: draw(st.integers(0, there[role])) for role in ROLES}
            step["troops"] = some if any(some.values()) and draw(st.booleans()) else "all"
            there = {role: 0 if step["troops"] == "all" else there[role] - some[role] for role in ROLES}
        if does == "change mission":
            there = {**there, "combat": 0, "training": there["training"] + there["combat"]}
        if does == "announce" and draw(st.booleans()):
            later = draw(st.integers(0, 500))
            step |= draw(
                st.sampled_from(({"promise_days": later}, {"promise": (FIRST + timedelta(days=day + later)).isoformat()}))
            )
        if draw(st.booleans()):
            step["only_if"] = draw(conditions())
            limits = ({"wait_at_most": draw(st.integers(0, 300))}, {"latest": (FIRST + timedelta(days=day + 100)).isoformat()})
            if draw(st.booleans()):
                step |= draw(st.sampled_from(limits))
                step["otherwise"] = draw(st.sampled_from(("it happens anyway", "the schedule is broken")))
        steps.append(step)
        planned.append(day)
    return steps


@st.composite
def schedules(draw) -> dict[str, Any]:
    made: dict[str, Any] = {"name": "own", "summary": "generated", "steps": draw(step_lists())}
    made |= {"offers_timetable": draw(st.booleans()), "aid": draw(st.floats(0, 1)), "human_rights": draw(st.floats(0, 1))}
    if draw(st.booleans()):
        made["pause"] = {"when": draw(conditions()), "days": draw(st.integers(1, 200))}
    if draw(st.booleans()):
        made["accelerate"] = {"when": draw(conditions()), "to_share": draw(st.floats(0, 0.99))}
    if draw(st.booleans()):
        made["come_back"] = {"when": draw(conditions()), "after_days": draw(st.integers(0, 200)), "posture": draw(postures())}
    return made


@st.composite
def groups(draw) -> dict[str, Any]:
    weights = draw(st.lists(st.integers(0, 10), min_size=1, max_size=6))
    whole = draw(st.sampled_from((1.0, 0.9, 0.3))) / max(1, sum(weights))
    multiple = st.sampled_from((0.0, 0.5, 1.0, 1.3, 3.0))
    return {
        n: {"capacity": w * whole, "restraint": draw(multiple), "ties": draw(multiple)}
        for n, w in zip(GROUP_NAMES, weights, strict=False)
    }


@st.composite
def scenarios(draw) -> Scenario:
    data = content(scenario(draw(st.sampled_from(ORDER))))
    for parameter in declared_parameters():
        place = data
        for part in parameter.agent.split("."):
            place = place[part]
        place[parameter.name] = draw(number(parameter))
    data["horizon_days"] = draw(st.integers(30, 1500))
    data["rivals"]["announcement"]["module"] = draw(st.sampled_from(RIVALS))
    data["rivals"]["excitation"]["active"] = draw(st.booleans())
    data["militias"]["groups"] = draw(groups())
    if draw(st.booleans()):
        data["schedule"] = draw(schedules())
    if not data["schedule"]["steps"]:
        data["case"]["posture"] = draw(postures())
    if all("date" not in step or step["date"] is None for step in data["schedule"]["steps"]):
        data["start"] = draw(st.dates(date(2020, 3, 11), date(2035, 12, 31))).isoformat()
    return read_scenario(data)


# -- what holds in all of them -----------------------------------------------------------------------------------------
def parts(world: Any) -> dict[str, dict[str, Any]]:
    return {name: {key: getattr(getattr(world, name), key) for key in getattr(world, name).__slots__} for name in world.__slots__}


def check_types(world: Any) -> None:
    """Whole numbers stay whole numbers and floats floats: a record of the compiled engine would cut a float off silently."""
    for name, declared in model.first_world().items():
        for key, value in parts(world)[name].items():
            first = declared[key]
            if isinstance(first, list):
                assert len(value) == len(first), f"{name}.{key}"
                assert {type(item) for item in value} == {type(first[0])}, f"{name}.{key}"
            else:
                assert type(value) is type(first), f"{name}.{key}: {value!r}"


def check_world(world: Any) -> None:
    us, government, forces = world.united_states, world.government, world.iraqi_forces
    by_role = (us.combat, us.training, us.enablers, us.special)
    assert min(by_role) >= 0
    assert us.troops == sum(by_role)
    for index in (government.standing, government.pressure, government.lowest_standing, government.standing_base):
        assert 0.0 <= index <= 1.0
    for index in (government.pressure_base, forces.readiness, us.staff, world.militias.standing, world.environment.tension):
        assert 0.0 <= index <= 1.0
    assert min(world.isis.rural, world.isis.urban, us.toll, us.troop_days, world.isis.tempo) >= 0.0
    for counts in (world.observation.bases, world.observation.isis, world.observation.mass):
        assert min(counts) >= 0.0


def check_outcomes(values: list[Any], horizon: int) -> None:
    for outcome, value in zip(OUTCOMES, values, strict=True):
        if outcome.kind == COUNT:
            assert type(value) is int
            assert value >= 0, outcome.name
        elif outcome.kind == YES_NO:
            assert type(value) is bool, outcome.name
            assert value or values[OUTCOMES.index(outcome) + 1] == horizon, outcome.name  # its day, censored
        elif outcome.kind == DAY:
            assert 0.0 <= value <= horizon, outcome.name
        elif outcome.kind == INDEX:
            assert 0.0 <= value <= 1.0, outcome.name
        else:
            assert outcome.kind == AMOUNT
            assert value >= 0.0, outcome.name


def check_events(run: Any, horizon: int) -> None:
    days = [event.day for event in run.events]
    assert days == sorted(days)
    assert not days or 0.0 <= days[0] <= days[-1] <= horizon
    totals = [READINGS.index(name) for name in ("us_deaths", "civilian_deaths", "isis_deaths")]
    troops, indices = READINGS.index("troops"), [READINGS.index(name) for name in ("pressure", "standing")]
    last = None
    names = set()
    for event in run.events:
        assert last is None or event.before[:5] == last[:5], "between events nothing changes"
        assert event.after[troops] >= 0
        assert all(0.0 <= event.after[k] <= 1.0 for k in indices)
        assert all(event.after[k] >= event.before[k] >= 0 for k in totals)
        assert event.n >= 1
        assert not event.cause or event.cause in names
        names.add(event.name)
        last = event.after


@settings(few, max_examples=100)
@given(of=scenarios(), seed=st.integers(0, 2**64 - 1), replication=st.integers(0, 2**64 - 1))
def test_any_valid_scenario_runs_and_its_books_balance(of, seed, replication):
    run = replicate(of, seed, replication, trace=True)
    check_types(run.world)
    check_world(run.world)
    check_outcomes(run.outcomes, of.horizon_days)
    check_events(run, of.horizon_days)
    assert all(run.saturated[activity] <= run.opportunities[activity] for activity in run.saturated)
    assert run.outcomes == replicate(of, seed, replication, weekly=True).outcomes


@settings(few, max_examples=40)
@given(of=scenarios())
def test_any_valid_scenario_read_back_from_its_content_is_the_same(of):
    again = read_scenario(of.content())
    assert again.identity == of.identity
    assert again.record == of.record
    assert replicate(again, 1, 1).outcomes == replicate(of, 1, 1).outcomes


@settings(few, max_examples=30)
@given(of=scenarios())
def test_weekly_rows_of_any_valid_scenario_are_whole(of):
    run = replicate(of, 1, 2, weekly=True)
    assert len(run.weeks) == of.horizon_days // 7
    for _, values in run.weeks:
        for series, value in zip(SERIES, values, strict=True):
            assert value >= 0, series.name
            assert "index" not in series.unit or value <= 1.0, series.name


def at_bounds() -> st.SearchStrategy[dict[str, float]]:
    """Any parameter at either of the bounds that a configuration may go to at all, or as declared."""
    return st.fixed_dictionaries({p.key: st.sampled_from((p.default, p.default, *p.bounds)) for p in declared_parameters()})


@settings(few, max_examples=80)
@given(values=at_bounds(), schedule=st.sampled_from(ORDER), horizon=st.integers(30, 900))
def test_parameters_at_their_bounds_stop_no_run(values, schedule, horizon):
    data = content(scenario(schedule))
    for key, value in values.items():
        *way, last = key.split(".")
        place = data
        for part in way:
            place = place[part]
        place[last] = value
    data["horizon_days"] = horizon
    of = read_scenario(data)
    block = run_block(of, 1, 0, 1)
    assert block.failures == []
    check_outcomes(list(block.outcomes.tolist()[0][1:]), horizon)


def test_american_patience_can_be_asked_about_whatever_the_toll():
    # Every attack kills, nobody ever leaves: the logarithm of the hazard passes what a float's exponential can hold.
    deadly = ("militias.lethality=1.0", "militias.restraint=0.0", "militias.ordinary_rate=60.0")
    of = scenario("open_ended", "united_states.early_exit=0.0", "united_states.exit_per_death=3.0", *deadly, "horizon_days=400")
    assert run_block(of, 1, 0, 1).failures == []


@pytest.mark.parametrize("role", ROLES)
def test_a_force_of_one_role_runs_at_any_weight_of_special_operations(role):
    weight = next(p for p in declared_parameters() if p.key == "united_states.special_weight")
    for value in weight.bounds:
        data = content(scenario("open_ended", f"united_states.special_weight={value}", "horizon_days=30"))
        data["case"]["posture"] = {role: 300}
        assert run_block(read_scenario(data), 1, 0, 1).failures == []


def test_the_generated_schedules_reach_every_kind_of_condition_and_every_form():
    # A guard for the tests above: strategies that quietly stop producing something would test nothing.
    seen: set[str] = set()

    @settings(few, max_examples=600)
    @given(made=schedules())
    def collect(made):
        data = content(scenario("open_ended"))
        data["schedule"] = made
        read_scenario(data)
        seen.update(key for key in made if key in ("pause", "accelerate", "come_back"))
        for step in made["steps"]:
            seen.update(step)
            seen.update(str(read_condition(text).indicator) for text in step.get("only_if", ()))

    collect()
    assert {"pause", "accelerate", "come_back", "date", "after", "troops", "promise", "promise_days"} <= seen
    assert {"only_if", "latest", "wait_at_most", "otherwise", *map(str, range(8))} <= seen


def test_every_field_of_the_world_has_a_type_that_a_record_can_hold():
    for name, values in model.first_world().items():
        for key, value in values.items():
            items = value if isinstance(value, list) else [value]
            assert {type(item) for item in items} <= {int, float}, f"{name}.{key}"
            assert len({type(item) for item in items}) == 1, f"{name}.{key}"
    assert {f.name for f in fields_of(Scenario)} >= {"schedule", "groups"}
    assert len(GROUP_NAMES) <= ROOM
