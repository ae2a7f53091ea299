"""How runs become processes: forked from one that has everything imported. Only dagster.yaml names it."""
