"""Studies: which replications to run, who runs them, and where the tables lie."""
