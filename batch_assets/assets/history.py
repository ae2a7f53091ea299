"""The states that a partition's manifest and job went through, as a table; each event carries all that came before it.

The web UI merges the observations after a materialisation into its page: the newest table stands there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from batch_assets.bedrock.jobs import BatchJob
from batch_assets.bedrock.ledger import JobRow

NAME = "history"
_MOST = 16
_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("at", "timestamp", description="By the clock of Bedrock, if there is a job"),
        dg.TableColumn("state", "string"),
        dg.TableColumn("processed", "int", description="Records that Bedrock has processed by then"),
        dg.TableColumn("note", "string"),
    ]
)


def begun(row: JobRow) -> dg.TableMetadataValue:
    """What became of a manifest, as the first state of its history."""
    at = row.submitted_at or datetime.now(UTC)
    return _table([_record(at, row.state, 0, row.reason)])


def continued(last: Mapping[str, Any] | None, job: BatchJob) -> dg.TableMetadataValue:
    """The history in the last observation's metadata, if that was of the same job, and the state that the job is in."""
    if last is not None and last.get("job_arn") == job.arn and NAME in last:
        earlier: Sequence[dg.TableRecord] = last[NAME].records
    else:
        earlier = [_record(job.submitted_at, "Submitted", 0, "")]
    # Of a live job it is the time of its last change.
    now = _record(job.ended_at or datetime.now(UTC), job.status, job.processed_records, job.message)
    return _table([*(record for record in earlier if record.data["state"] != job.status), now])


def _record(at: datetime, state: str, processed: int, note: str) -> dg.TableRecord:
    return dg.TableRecord({"at": f"{at:%Y-%m-%d %H:%M:%S} UTC", "state": state, "processed": processed, "note": note})


def _table(records: Sequence[dg.TableRecord]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(records=records[-_MOST:], schema=_SCHEMA)
