"""The agents: one file each, with its beliefs, its part of the world, its rules and its activities.

An agent acts on its own part of the world and reads facts in the others'; what it does to somebody else goes through that
agent's own rules (`government.press`, `reprisals.lose`). Files may import those above them in this list, never below:
dated, observation, environment, government, reprisals, united_states, announcements, militias, iraqi_forces, isis.
"""
