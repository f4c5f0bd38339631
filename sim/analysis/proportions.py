"""Intervals of shares: Wilson's, and the exact one of Clopper and Pearson. Arrays in, arrays out."""

import numpy as np
from numpy.typing import ArrayLike


def wilson(happened: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of happened / n: lower and upper, of the shape both make together.

    Args:
        happened: 0 to n; n: above 0. Neither need be whole: a share with an effective sample size is n times it out of n.
    Raises:
        ValueError: if happened is not within 0 and n, or n is not above 0.
    Source: Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), method 3.
    """
    from scipy.special import ndtri

    count, n = checked(happened, n)
    z, share = float(ndtri(0.5 + confidence / 2)), count / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # at 0 and 1 the ends are 0 and 1, which rounding may miss
    lower = np.where(share == 0.0, 0.0, np.maximum(0.0, centre - half))
    return lower, np.where(share == 1.0, 1.0, np.minimum(1.0, centre + half))


def never_certain(
    share: np.ndarray, lower: np.ndarray, upper: np.ndarray, n: int, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of shares, with the exact one for n where a share is 0 or 1: a resample or a variance then knows no other value.

    Args:
        n: how many were drawn independently of each other, however many runs each of them had.
    """
    least, most = clopper_pearson(np.where(share == 1.0, float(n), 0.0), float(n), confidence)
    ends = (share == 0.0) | (share == 1.0)
    return np.where(ends, np.minimum(lower, least), lower), np.where(ends, np.maximum(upper, most), upper)


def clopper_pearson(happened: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The exact interval of happened / n, never narrower than it says, mostly wider: lower and upper.

    Raises:
        ValueError: as `wilson`.
    Source: Clopper and Pearson 1934, by quantiles of the beta distribution; Newcombe 1998, method 5.
    """
    from scipy.special import betaincinv

    count, n = checked(happened, n)
    tail = 0.5 - confidence / 2
    # the quantile is undefined where a count is 0, and the end is 0 or 1 there
    lower = np.where(count == 0, 0.0, betaincinv(np.maximum(count, 1e-9), n - count + 1, tail))
    return lower, np.where(count == n, 1.0, betaincinv(count + 1, np.maximum(n - count, 1e-9), 1 - tail))


def checked(happened: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of floats of one shape."""
    count, number = np.broadcast_arrays(np.asarray(happened, dtype="float64"), np.asarray(n, dtype="float64"))
    if not bool(np.all((number > 0) & (count >= 0) & (count <= number))):
        raise ValueError("a share needs a count between 0 and its number, and a number above 0")
    return count, number
