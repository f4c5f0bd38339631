"""Where the parameters of a study's states were drawn from: their priors, or a posterior, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from sim.report.material import Material
from sim.scenario import declared_parameters


def posterior(material: Material) -> Mapping[str, Any]:
    """What the manifest says of the posterior that parameters were drawn from; nothing if they were not."""
    found = material.manifest.get("posterior")
    return found if isinstance(found, Mapping) else {}


def calibrated(material: Material) -> list[str]:
    """The parameters that were drawn from a posterior."""
    found = posterior(material).get("parameters")
    return [p.key for p in declared_parameters() if p.key in found] if isinstance(found, Sequence) else []


def drawn_from(material: Material, key: str) -> str:
    """Where a parameter's draws come from."""
    if key not in calibrated(material):
        return "drawn" if not posterior(material) else "drawn from its prior"
    carried = posterior(material).get("carried") or ()
    return "drawn from the posterior" + (", as of its last known day" if key in carried else "")


def origin_of(material: Material, many: int) -> str:
    """What so many parameters were drawn from, in words."""
    mine, told = calibrated(material), posterior(material)
    if not told:
        return f"{many:,} parameters from their priors"
    facts = [f"record up to {told['until']}"] if told.get("until") else []
    facts += [f"sha256 {str(told.get('sha256'))[:8]}"]
    if isinstance(told.get("effective"), float):
        facts.append(
            f"{told.get('trajectories')} trajectories drawn, the posterior is worth {told['effective']:.0f} of equal weight"
        )
    rest = f"; the {many - len(mine):,} others from their priors" if many > len(mine) else ""
    carried = ", ".join(key for key in told.get("carried") or () if key in mine)
    last = f"; as of the last known day: {carried}" if carried else ""
    return f"{len(mine):,} parameters from posterior {told.get('name')} ({', '.join(facts)}){last}{rest}"
