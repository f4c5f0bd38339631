"""What is shown of every study, on paper and on screen: names of outcomes and series, and which of them."""

from sim.outcomes import BY_NAME, SERIES

LABELS = {o.name: (o.label, o.unit) for o in BY_NAME.values()}
SHOWN_EVENTS = ("exit_demanded", "government_fell", "resurgence", "returned")
FAN_SERIES = ("troops", "base_attacks", "isis_attacks")
SMOOTHED = [s.name for s in SERIES if s.total]
SMOOTH = 4  # weeks over which counts are averaged in a fan chart: single weeks jump between 0, 1 and 2
SERIES_LABELS = {s.name: (s.label, f"{s.unit}, mean of {SMOOTH} weeks" if s.total else s.unit) for s in SERIES}
FLAGGED = 0.05  # share of runs in which the model's weakest part, the early exit, decides
