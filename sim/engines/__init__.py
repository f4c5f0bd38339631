"""Engines: they know activities and slots, never an agent. `reference` is the readable one, in SimPy."""
