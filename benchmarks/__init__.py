"""Benchmarks: how long things take, each told only after its result was checked. `python -m benchmarks` runs them all.

Times on a shared machine wander by tens of percent within minutes, so nothing here claims a time. What is claimed are ratios of
contenders that took turns, round by round, in one process: their median, their range, and how many rounds there were.
"""
