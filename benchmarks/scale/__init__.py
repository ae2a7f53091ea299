"""How the pipeline stands many partitions and what Dagster's own machinery costs: `python -m benchmarks.scale`."""
