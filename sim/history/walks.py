"""The course that a source's coverage took, drawn given what the source counted: a random walk observed through its counts.

The logarithm of coverage starts from 0 and takes independent normal steps, one to each window; what is counted in a window
depends on the walk there alone. So its distribution, given all counts, can be had on a grid of points without approximation
beyond the grid's own: weights go forward in time, then one course is drawn backward from the last window to the first (forward
filtering, backward sampling: Carter and Kohn, Biometrika 81 (1994); on a grid: Kitagawa, J. Am. Stat. Assoc. 82 (1987)).
"""

from math import ceil

import numpy as np

POINTS = (121, 2001)  # of a grid, at least and at most
SPACING = 0.7  # of neighbouring points, in the least standard deviation there is; a sum of normal densities is exact to 1e-6
REACH = 8.0  # standard deviations of a step that are looked over; the first is, as far as there are numbers for it


def grid(low: float, high: float, finest: float) -> np.ndarray:
    """Evenly spaced points over a range that holds 0; 0, where every walk begins, is one of them.

    Args:
        low, high: low < 0 < high. finest: the least standard deviation that it must tell; a range that would then need more than
            POINTS is told less finely.
    """
    fewest, most = POINTS
    spacing = (high - low) / min(max(ceil((high - low) / (SPACING * finest)), fewest - 1), most - 3)
    return spacing * np.arange(-ceil(-low / spacing), ceil(high / spacing) + 1)


def redrawn(points: np.ndarray, steps: np.ndarray, log_likelihood: np.ndarray, luck: np.random.Generator) -> np.ndarray:
    """One draw of a walk given what was seen of it.

    Args:
        points: of the grid, with 0 among them. steps: the standard deviation of each step, at least 0; the first is from 0.
        log_likelihood: shape (steps, points): of what was seen after each step, were the walk at each point; 0 where nothing was
            seen. One that no point makes possible tells nothing, and is passed over. luck: one uniform for each step is used.
    Returns:
        the walk after each step, points of the grid.
    """
    steps = np.maximum(steps, 1e-12)  # a step that is none stays on its point
    weights = filtered(points, steps, log_likelihood)
    uniforms = luck.random(len(steps))
    found = np.empty(len(steps))
    weight = weights[-1]
    for k in range(len(steps) - 1, -1, -1):
        total = np.cumsum(weight)
        found[k] = points[min(int(np.searchsorted(total, uniforms[k] * total[-1], side="right")), len(points) - 1)]
        if k:
            weight = weights[k - 1] * normal((points - found[k]) / steps[k])
    return found


def filtered(points: np.ndarray, steps: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
    """The weight of each point after each step, given what was seen until then; the largest of each step is 1."""
    spacing = points[1] - points[0]
    found = np.empty(log_likelihood.shape)
    with np.errstate(divide="ignore"):  # far away there is no weight at all
        for k, step in enumerate(steps):
            if k == 0:
                before = np.log(normal(points / step))
            else:
                reach = min(ceil(REACH * step / spacing), len(points) - 1)
                kernel = normal(spacing / step * np.arange(-reach, reach + 1))
                before = np.log(np.convolve(found[k - 1], kernel)[reach:-reach])
            both = before + log_likelihood[k]
            best = both.max()
            if best == -np.inf:
                both, best = before, before.max()
            weight = np.exp(both - best)
            found[k] = np.where(weight > 1e-200, weight, 0.0)  # a product of two such weights is still a number
    return found


def normal(x: np.ndarray) -> np.ndarray:
    """The density of a standard normal, but for its constant."""
    return np.exp(-0.5 * x**2)
