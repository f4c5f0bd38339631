"""What the model is for, what it must not be used for, and how it was thought: what no declaration can say.

The one place of this prose. `sim.report.model` puts it beside what it derives from the declarations themselves.
"""

QUESTION = (
    "What follows if a government announces when its troops leave another country, refuses to, relabels their mission, leaves on "
    "conditions, leaves at once, or comes back?"
)
PURPOSE = (
    "The model compares withdrawal schedules on the same luck: how much attacks, deaths, the fall or survival of the host "
    "government, insurgent resurgence and the cost of presence differ between two schedules, how sure that is, through "
    "which events it comes about, and on which assumption it turns. The case is the US presence in Iraq, some 2,500 "
    "troops, seen from April 2021.",
    "It is a tool for structured argument about assumptions that are written down, not a forecast. Its answers are "
    "conditional on its mechanisms and on parameters of which many are judgement.",
)
NOT_FOR = (
    "Predicting what will happen, or stating a probability of a real event without the assumptions beside it.",
    "Choosing targets, weapons or tactics: everything is aggregate (counts, rates, indices), and nothing finer will be added.",
    "Claims about another country or another year without a case, priors and sources of its own.",
    "A decision that turns on one parameter tagged as judgement, or on one rival theory only, without saying so.",
)
STANDING = (
    "No outside body has examined the model, and it is not accredited for any use. No default was fitted to make an outcome "
    "agree with the record. What has been checked is that the program does what its rules say (verification), how its "
    "forecasts of what was counted score beside plain ones, from days after which it had seen nothing, and whether patterns of "
    "severity and dispersion are those of the record (docs/validation.md, losses included). Whether the mechanisms are those of "
    "the world is open."
)
PATTERNS = (
    "Attacks follow the published rates of pause, truce, ordinary months and surge, and a truce frays.",
    "An attack that kills is nearly always answered by a strike, one that does not hardly ever.",
    "A strike on the host's soil is the strongest single push on its government.",
    "Monthly counts of insurgent attacks are overdispersed, and severity has a heavy tail.",
    "After a full exit, help may be asked for years later, once reported attacks have doubled.",
)
SCALES = (
    "Time is continuous, in days since the scenario's first day; bookkeeping of indices happens each week. Space is not "
    "represented: the country is one place, with rural and urban parts of the insurgency. Troops are whole numbers by "
    "role, armed groups are shares of all attacks, pressure, standing and readiness are indices from 0 to 1."
)
SCHEDULING = (
    "Next-event scheduling, with no time step. The soonest of all opportunities, timers and responses happens next; what "
    "falls on the same moment goes by the order of the table. State changes at once, when an activity acts, so a later "
    "event sees it."
)
# The eleven design concepts of the ODD protocol, in its order.
CONCEPTS = {
    "Basic principles": (
        "Opportunity and willingness: chances to act arrive at a constant rate that no schedule changes, and an agent "
        "takes one with a probability that depends on the world. Sub-threshold coercion, credible and missed commitments, "
        "train-and-assist dependence and the rival theories of what an announcement does to violence are each a rule of "
        "their own."
    ),
    "Emergence": (
        "Emergent: the course of attacks and strikes, truces and their ends, exits forced early, falls of the government, "
        "resurgence, returns. Imposed: the rates of each regime, the chance that an attack kills, how far one event pushes "
        "an index."
    ),
    "Adaptation": (
        "Agents adapt by changing how willing they are: armed groups change regime with clarity of the timetable, tension "
        "and strikes; the United States pauses, hurries, leaves early or comes back on what is reported. No agent searches "
        "over strategies."
    ),
    "Objectives": (
        "Agents maximise nothing: what they want is built into their willingness. What an analyst wants is stated apart, "
        "as objectives with a direction and a weight, and no schedule is called best without."
    ),
    "Learning": "None. No agent changes its rules, and nothing is carried from one replication to another.",
    "Prediction": (
        "Agents do not look ahead. A date that has been announced counts through the clarity of the timetable; a date that "
        "has passed unkept counts as broken."
    ),
    "Sensing": (
        "Decisions read reports, not the hidden truth: reports miss events and come late. Deaths, talks, demands and "
        "requests are known at once. The conditions of a schedule can name only what is observed."
    ),
    "Interaction": (
        "Through state that others read and through rules that one agent calls on another: an attack pushes the "
        "government, a strike is set off by an attack, a dialogue round renews talks. The table of who reads and acts on "
        "whom is taken from the rules."
    ),
    "Stochasticity": (
        "Opportunities, whether each is taken, and what happens at it are random. Every uniform is keyed by what it is "
        "for, so two schedules meet the same opportunities with the same luck and differ only by what agents make of them."
    ),
    "Collectives": (
        "Militia groups: each has a share of all attacks, a restraint and ties of its own, its own regime and its own "
        "luck; they are parts of one agent and share its parameters. All other agents are single."
    ),
    "Observation": (
        "At the horizon one row of outcomes a replication; week by week, series of the first replications; on request, "
        "every event. Times of events are censored at the horizon and analysed as such."
    ),
}
ESTIMATION = (
    "Schedules are compared replication by replication on common random numbers: differences are paired, and pairing is "
    "what makes them sharp. A comparison may state a tolerance for each outcome and then runs until every pair is decided "
    "or the budget is spent; its intervals hold whenever it stops. Runs end at a fixed horizon, so there is no steady "
    "state and no warm-up is cut off."
)
SHARING = (
    "The source is under the MIT licence, with tests, a lock file of every library, and these pages. A study's folder "
    "names the command, the code revision, the seed and the identity of each scenario; `posture verify` computes a sample "
    "again and compares it to the bit."
)
