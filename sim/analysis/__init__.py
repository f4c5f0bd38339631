"""Numbers from tables: pure functions of pandas DataFrames. Knows no engine, no scenario, no file."""
