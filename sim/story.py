"""One replication's story by date, readable by a person: sentences made from the event log, nothing else."""

from collections.abc import Iterator
from datetime import date

from sim.agents.militias import REGIMES
from sim.agents.posture import FIXED
from sim.engines.block import Event
from sim.readings import READINGS
from sim.scenario import Scenario

INDEX = {name: k for k, name in enumerate(READINGS)}
GIVEN = {  # dated events by agent and kind; the group is put in
    "environment": {
        "tension shock": "tension between Iran and the United States rises",
        "protest wave": "a wave of protest begins",
    },
    "government": {"government resigns": "the government resigns; a caretaker takes over"},
    "united_states": {
        "strike in Iraq": "the United States strikes in Iraq",
        "strike in Syria": "the United States strikes in Syria",
        "killing of senior figures": "the United States kills senior figures in Iraq",
        "dialogue round": "a round of the Strategic Dialogue is held",
    },
    "militias": {"truce": "the {} group keeps a truce", "truce ends": "the {} group's truce, if it keeps one, ends"},
}
QUIET = ("convoy attack", "tension shock")  # frequent, and of little consequence one by one


def change(event: Event, reading: str) -> float:
    """By how much an event changed a reading."""
    return event.after[INDEX[reading]] - event.before[INDEX[reading]]


def now(event: Event, reading: str) -> float:
    return event.after[INDEX[reading]]


def people(count: float, one: str, many: str) -> str:
    return f"{int(count)} {one if count == 1 else many}"


def sentence(event: Event, scenario: Scenario) -> str:
    """What happened, in words."""
    group = event.actor.partition(":")[2]
    after = now(event, "value")
    match event.activity:
        case "base attack":
            return f"the {group} group attacks a base{toll(event)}"
        case "war attack":
            return f"a base is attacked in the regional war{toll(event)}"
        case "convoy attack":
            return f"the {group} group attacks a supply convoy"
        case "change of regime":
            before, regime = int(event.before[INDEX["regime"]]), int(now(event, "regime"))
            return f"the {group} group goes from {REGIMES[before]} to {REGIMES[regime]}"
        case "reprisal":
            return f"the United States strikes back in {'Iraq' if change(event, 'value') else 'Syria'}{toll(event)}"
        case "killing of senior figures":
            return f"the United States kills senior figures in Iraq{toll(event)}"
        case "dated event":
            return given_sentence(event, scenario)
        case "schedule":
            return step_sentence(event, scenario)
        case "promised date":
            return "the promised date passes unkept" if after == 1.0 else "the promised date: kept"
        case "early exit":
            return "the United States decides to leave early"
        case "forced departure":
            return f"the last {people(-change(event, 'troops'), 'soldier leaves', 'troops leave')}, ahead of the schedule"
        case "return":
            return f"US forces return: {people(change(event, 'troops'), 'soldier', 'troops')}"
        case "dialogue round":
            return "a round of the Strategic Dialogue is held"
        case "exit demand":
            return "the Iraqi government demands that US forces leave"
        case "request for help":
            return "the Iraqi government asks for help against ISIS"
        case "technical talks end":
            return "technical talks agree on a timetable" if after == FIXED else "technical talks fail"
        case "fall of the government":
            return "the government falls; a caretaker takes over"
        case "election":
            return "an election is held; a government has to be formed"
        case "government formed":
            return "a government is formed"
        case "crackdown":
            return f"the government arrests members of the {group} group"
        case "mass-casualty attack":
            return f"ISIS kills {people(change(event, 'isis_deaths'), 'person', 'people')} in one attack"
        case "jailbreak":
            return f"a jailbreak frees {people(change(event, 'stock'), 'ISIS member', 'ISIS members')}"
        case "tension shock":
            return "tension between Iran and the United States rises"
        case "regional war":
            return "a regional war breaks out"
        case "protest wave":
            return "a wave of protest begins"
        case "week of ISIS" if change(event, "value") > 0:
            return "ISIS holds ground again: resurgence"
        case "week of ISIS" if change(event, "value") < 0:
            return "ISIS loses the ground it held"
        case "week of ISIS":
            return f"a week of ISIS: {people(change(event, 'isis_deaths'), 'death', 'deaths')} in small attacks"
        case "tempo":
            return f"the tempo of ISIS attacks is now {after:.2f} of its mean"
        case "training":
            return f"a week of training: readiness {after:.3f}"
        case "weekly report":
            return "the week's attacks are reported"
        case "politics":
            return "a week of politics: indices return towards their baselines"
        case "public opinion":
            return "the public forgets a little of what the militias did"
        case "pause":
            return f"a review pauses the schedule until {scenario.calendar.date(after)}"
        case "acceleration":
            return "a review hurries the schedule"
        case "decision to return":
            return "a review decides that US forces return"
        case "embassy staffing":
            return f"{after:.0%} of embassy staff are present"
        case _:
            raise ValueError(f"no sentence for {event.activity!r}")


def toll(event: Event) -> str:
    """Who died, if anybody."""
    parts = [
        people(count, one, many)
        for count, one, many in (
            (change(event, "us_deaths"), "American", "Americans"),
            (change(event, "civilian_deaths"), "Iraqi civilian", "Iraqi civilians"),
        )
        if count
    ]
    return f": {' and '.join(parts)} killed" if parts else ""


def given_sentence(event: Event, scenario: Scenario) -> str:
    """What is known to have happened on that day, by the case, of the kinds that are the agent's own."""
    agent, _, group = event.actor.partition(":")
    day = scenario.calendar.date(event.day).isoformat()
    found = [GIVEN[agent][one.what] for one in scenario.case.events if one.date == day and one.what in GIVEN[agent]]
    return f"on record: {' and '.join(found).format(*[group] * len(found)) or 'an event'}{toll(event)}"


def step_sentence(event: Event, scenario: Scenario) -> str:
    """A step of the schedule, or its breaking."""
    before, after = int(event.before[INDEX["value"]]), int(now(event, "value"))
    step = scenario.schedule.steps[before]
    if after == before:
        return f"the schedule is broken: '{step.name}' has waited too long"
    left = -change(event, "troops")
    parts = [f"{left:,.0f} leave, {now(event, 'troops'):,.0f} stay"] if left else []
    late = event.day - scenario.plan.days[before]
    if late >= 1.0:
        parts.append(f"{late:,.0f} days after it was planned")
    return f"schedule: {step.name}" + (f" ({'; '.join(parts)})" if parts else "")


def told(event: Event, everything: bool) -> bool:
    """Whether a story has this event."""
    if everything:
        return True
    if event.activity == "week of ISIS":
        return change(event, "value") != 0.0
    return not event.routine and event.activity not in QUIET


def story(events: list[Event], scenario: Scenario, everything: bool = False) -> Iterator[str]:
    """Lines of the story: month by month, each event with its date, and what set it off where something did.

    Args:
        events: the event log of one replication. everything: also routine events, convoys and shocks.
    """
    month: date | None = None
    dates = {event.name: scenario.calendar.date(event.day) for event in events}
    for event in events:
        if not told(event, everything):
            continue
        day = scenario.calendar.date(event.day)
        if month is None or (day.year, day.month) != (month.year, month.month):
            month = day
            yield ""
            was = dict(zip(READINGS, event.before, strict=True))
            yield (
                f"{day:%B %Y}: {was['troops']:,.0f} US troops, {was['stock']:,.0f} ISIS members, "
                f"pressure on the government {was['pressure']:.2f}, its standing {was['standing']:.2f}"
            )
        pressed = change(event, "pressure")
        effects = [f"pressure {pressed:+.2f}"] if abs(pressed) >= 0.005 and not event.routine else []
        if event.cause:
            effects.append(f"set off by {event.cause} of {dates.get(event.cause, 'before')}")
        yield f"  {day:%d %b}  {sentence(event, scenario)}" + (f"  [{'; '.join(effects)}]" if effects else "")
