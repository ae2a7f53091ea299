"""The names of a partition's two runs, for those that need no more of Dagster."""

PLAN_AND_SUBMIT, LOAD = "plan_and_submit", "load"
