"""One run of a Dagster job, as a process of its own does it: `python -m benchmarks.scale.one_run JOB PARTITION`."""

import json
import sys
import time

import dagster as dg


def main() -> None:
    """Run, and print seconds and numbers of each asset as JSON."""
    from batch_assets.definitions import defs

    job, partition = sys.argv[1:]
    instance = dg.DagsterInstance.get()
    begun = time.time()
    result = defs.resolve_job_def(job).execute_in_process(
        partition_key=partition,
        instance=instance,
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
    )
    steps = {
        stats.step_key: round((stats.end_time or 0) - (stats.start_time or 0), 2)
        for stats in instance.get_run_step_stats(result.run_id)
    }
    told = {}
    for event in result.get_asset_materialization_events():
        metadata = event.step_materialization_data.materialization.metadata
        numbers = {name: value.value for name, value in metadata.items() if isinstance(value.value, int | float)}
        told[str(event.asset_key.to_user_string() if event.asset_key else "")] = numbers
    sys.stdout.write(json.dumps({"in_process_seconds": round(time.time() - begun, 1), "steps": steps, "assets": told}))


if __name__ == "__main__":
    main()
