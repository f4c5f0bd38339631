"""Thin Hydra applications, one a question: run, compare, plot, trace. `experiments.command` is the command `posture`."""
