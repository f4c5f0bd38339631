"""Morris screening of a stochastic model: what each input does to the mean and to the variance of an outcome, one at a time.

An elementary effect is the change of the response when one input is moved, the others staying where they are, divided by how much
of the way it was moved whose effect is told. The points of a trajectory share their luck, so that an input that does nothing has
effects of 0; trajectories have luck of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.resampling import percentile_interval, weights

COLUMNS = ("outcome", "measure", "parameter", "mu", "mu_star", "lower", "upper", "sigma", "noise", "score")
MEASURES = ("mean", "log_variance")
LEVELS = 4  # of each input
STEP = LEVELS / 2 / (LEVELS - 1)  # of the way from 0 to 1: two thirds


def problem(names: Sequence[str]) -> dict[str, Any]:
    """Inputs from 0 to 1, as SALib takes them."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def screening_design(names: Sequence[str], trajectories: int, seed: int) -> np.ndarray:
    """Points in the unit cube, shape (trajectories * (inputs + 1), inputs): trajectories in which each step moves one input.

    Source: Morris, Factorial sampling plans for preliminary computational experiments, Technometrics 33 (1991), by SALib.
    """
    from SALib.sample import morris

    return np.asarray(morris.sample(problem(names), trajectories, num_levels=LEVELS, seed=np.random.default_rng(seed)))


def screening(
    values: np.ndarray,
    design: np.ndarray,
    names: Sequence[str],
    outcome: str = "",
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The elementary effects of each input on the mean of an outcome and on the logarithm of its variance.

    Args:
        values: shape (points, replications), at least 4, on the same luck along a trajectory. design: of `screening_design`, or
            where its points stand on other scales, of an input each; effects are those of a step of 1 on these.
        names: of the inputs. bootstrap: resamples of trajectories, which bring their luck with them.
    Returns:
        a row for each measure and input: mu (mean effect), mu_star (mean of its size) with its interval (percentile bootstrap),
        sigma (standard deviation over the trajectories: interactions, or a curve), noise (what
        mu_star would be by luck alone, were there no effect: half of what the effects of two halves of the replications differ
        by, mean), score: sqrt(mu_star^2 - noise^2), 0 where noise is larger.
        Effects are in the outcome's unit, or in units of log variance: 0.7 doubles it.
    Raises:
        ValueError: if the values are not of the design, or there are fewer than 4 replications.
    Source: Campolongo, Cariboni and Saltelli, Environmental Modelling and Software 22 (2007).
    """
    inputs = len(names)
    if values.ndim != 2 or len(values) != len(design) or len(design) % (inputs + 1):
        raise ValueError(f"values of shape {values.shape} do not belong to a design of {len(design)} points, {inputs} inputs")
    replications = values.shape[1]
    if replications < 4:
        raise ValueError(f"expected at least 4 replications of each point, got {replications}")
    trajectories = len(design) // (inputs + 1)
    moved = np.diff(design.reshape(trajectories, inputs + 1, inputs), axis=1)
    which = np.abs(moved).argmax(axis=2)  # the input that each step moves, shape (trajectories, inputs)
    far = np.take_along_axis(moved, which[..., None], axis=2)[..., 0]
    order = np.argsort(which, axis=1)

    def effects(response: np.ndarray) -> np.ndarray:
        """Shape (trajectories, inputs) of responses at the points."""
        return np.take_along_axis(np.diff(response.reshape(trajectories, inputs + 1), axis=1) / far, order, axis=1)

    found = {measure: effects(response) for measure, response in responses(values).items()}
    halves = [{m: effects(response) for m, response in responses(values[:, k::2]).items()} for k in (0, 1)]
    resampled = weights(trajectories, bootstrap, np.random.default_rng(seed))
    parts = []
    for measure in MEASURES:
        own = found[measure]
        size = np.abs(own).mean(axis=0)
        lower, upper = percentile_interval(resampled @ np.abs(own), confidence)
        noise = np.abs(halves[0][measure] - halves[1][measure]).mean(axis=0) / 2
        table = {
            **{"outcome": outcome, "measure": measure, "parameter": list(names), "mu": own.mean(axis=0), "mu_star": size},
            **{"lower": lower, "upper": upper},
            "sigma": own.std(axis=0, ddof=1) if trajectories > 1 else np.full(inputs, np.nan),
            **{"noise": noise, "score": np.sqrt(np.maximum(0.0, size**2 - noise**2))},
        }
        parts.append(pd.DataFrame(table)[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def responses(values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and log variance at each point, shape (points,), of values of shape (points, replications).

    Each variance counts as if it had one more degree of freedom, of the variance that points have on average: the logarithm of
    an estimate of 0 is nothing, and outcomes that seldom happen have such. All are 0 where nothing varies at all.
    """
    freedom = values.shape[1] - 1.0
    variance = values.var(axis=1, ddof=1)
    usual = float(variance.mean())
    shrunk = (freedom * variance + usual) / (freedom + 1.0)
    return {"mean": values.mean(axis=1), "log_variance": np.log(shrunk) if usual > 0.0 else np.zeros(len(values))}


def kept(table: pd.DataFrame, most: int, spread: Mapping[str, float] | None = None) -> list[str]:
    """The inputs that matter most to the means of all outcomes together, at most so many.

    What an input may add to the variance of a mean goes with the square of its score times its spread (by name; alike if not
    given): its standard deviation on the scale of the effects. One after another, the outcome of which the inputs taken cover
    least gets the one that matters most to it. An input of no score is not taken.
    """
    scores = table[table["measure"] == "mean"].pivot(index="parameter", columns="outcome", values="score")
    if spread is not None:
        scores = scores.mul([spread[name] for name in scores.index], axis=0)
    squares = scores**2
    shares = (squares / squares.sum()).fillna(0.0).loc[:, squares.sum() > 0.0]
    taken: list[str] = []
    while len(taken) < most:
        left = shares.drop(index=taken)
        open_to = [name for name in shares.columns if (left[name] > 0.0).any()]
        if not open_to:
            break
        least = shares.loc[taken, open_to].sum().idxmin()
        taken.append(str(left[least].idxmax()))
    return taken
