"""From uniforms to counts and sizes, by inversion: one uniform in, one value out, monotone in the uniform.

Inversion keeps common random numbers coupled: with the same uniform a higher mean never gives a lower count. Everything
here is a rule (see rules.py), so the functions avoid `**` and library calls that differ between engines.
"""

from math import exp, floor, log, sqrt

from sim.rules import rule

MOST = 700.0  # exp(-MOST) is still a normal number; beyond it sums would start from nothing
HIGHEST = 1.0 - 2.0**-53  # the highest uniform there is: at 1 a quantile has no end
TAIL = 1e-18  # a share of probability below what a uniform of 53 bits can reach: rounding may keep the total below the uniform


@rule
def normal(u):
    """The standard normal quantile of a uniform in [0, 1) (Acklam 2003; relative error below 1.2e-9). Zero counts as 2^-54."""
    u = max(u, 5.551115123125783e-17)
    if u < 0.02425 or u > 0.97575:
        tail = sqrt(-2.0 * log(u if u < 0.5 else 1.0 - u))
        top = (
            ((-7.784894002430293e-03 * tail - 3.223964580411365e-01) * tail - 2.400758277161838) * tail - 2.549732539343734
        ) * tail
        top = (top + 4.374664141464968) * tail + 2.938163982698783
        low = ((7.784695709041462e-03 * tail + 3.224671290700398e-01) * tail + 2.445134137142996) * tail + 3.754408661907416
        value = top / (low * tail + 1.0)
        return value if u < 0.5 else -value
    x = u - 0.5
    r = x * x
    top = ((-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02) * r + 1.383577518672690e02
    top = (top * r - 3.066479806614716e01) * r + 2.506628277459239
    low = ((-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02) * r + 6.680131188771972e01
    return top * x / ((low * r - 1.328068155288572e01) * r + 1.0)


@rule
def lognormal(median, sigma, u):
    """A lognormal value of the given median; sigma is the standard deviation of its logarithm."""
    return median * exp(sigma * normal(u))


@rule
def lognormal_beyond(least, median, sigma, u):
    """A lognormal value, given that it is at least so much. The share below is found by halving."""
    low, high = 0.0, 1.0
    for _ in range(53):
        middle = 0.5 * (low + high)
        if lognormal(median, sigma, middle) < least:
            low = middle
        else:
            high = middle
    return max(least, lognormal(median, sigma, min(low + (1.0 - low) * u, HIGHEST)))


@rule
def exponential(mean, u):
    """An exponential value of the given mean."""
    return -log(1.0 - u) * mean


@rule
def gamma_of_mean_one(shape, u):
    """A gamma value of mean 1, the cube of a normal (Wilson and Hilferty 1931); mean and variance within 1 % for shape >= 2."""
    c = 1.0 / (9.0 * shape)
    root = 1.0 - c + normal(u) * sqrt(c)
    if root <= 0.0:
        return 0.0
    return root * root * root


@rule
def poisson(u, mean):
    """A Poisson count."""
    if mean <= 0.0:
        return 0
    if mean > MOST:
        return wide_count(u, mean, mean, 1.0 / sqrt(mean))
    share = exp(-mean)
    total, k = share, 0
    while u > total and (k < mean or share > TAIL):
        k += 1
        share = share * mean / k
        total += share
    return k


@rule
def negative_binomial(u, mean, size):
    """A negative binomial count of the given mean and variance mean + mean^2 / size."""
    if mean <= 0.0:
        return 0
    odds = mean / (size + mean)
    start = size * log(size / (size + mean))
    if start < -MOST:
        variance = mean + mean * mean / size
        return wide_count(u, mean, variance, (1.0 + odds) / sqrt(size * odds))
    share = exp(start)
    total, k = share, 0
    while u > total and (k < mean or share > TAIL):
        share = share * odds * (k + size) / (k + 1.0)
        k += 1
        total += share
    return k


@rule
def binomial(u, n, chance):
    """How many of n are kept when each is kept with the given chance."""
    if n <= 0 or chance <= 0.0:
        return 0
    if chance >= 1.0:
        return n
    if n * log(1.0 - chance) < -MOST:
        variance = n * chance * (1.0 - chance)
        return min(n, wide_count(u, n * chance, variance, (1.0 - 2.0 * chance) / sqrt(variance)))
    share = exp(n * log(1.0 - chance))
    odds = chance / (1.0 - chance)
    total, k = share, 0
    while u > total and k < n and (k < n * chance or share > TAIL):
        share = share * odds * (n - k) / (k + 1.0)
        k += 1
        total += share
    return k


@rule
def wide_count(u, mean, variance, skewness):
    """A count so large that exact summation would underflow: the normal quantile corrected for skewness (Cornish and Fisher
    1938). Only reached in runs far outside the shipped ranges."""
    z = normal(u)
    return max(0, int(floor(mean + sqrt(variance) * (z + skewness * (z * z - 1.0) / 6.0) + 0.5)))


@rule
def power_law(u, exponent, least, most):
    """A whole number from `least` to `most`, P(k) roughly proportional to k^-exponent (continuous Pareto, rounded;
    Clauset, Shalizi and Newman 2009, appendix D)."""
    a = 1.0 - exponent
    low, high = exp(a * log(least - 0.5)), exp(a * log(most + 0.5))
    return int(floor(exp(log(low - u * (low - high)) / a) + 0.5))


@rule
def erlang3_hazard(age, mean):
    """Hazard (a day) at the given age (days) of a duration that is gamma with shape 3 and the given mean (days)."""
    pace = 3.0 / mean
    x = pace * age
    half = 0.5 * x * x
    return pace * half / (1.0 + x + half)


@rule
def faded(amount, age, lasts):
    """What is left of an amount after `age` days, forgotten exponentially with mean life `lasts` days."""
    return amount * exp(-age / lasts)
