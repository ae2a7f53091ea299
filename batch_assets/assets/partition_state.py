"""What the tables know of one partition: its job table, what is loaded, and what was refused.

State is compared by identity - which job, which content - never by time.
"""

from dataclasses import dataclass
from typing import Any

from batch_assets.bedrock.ledger import JobRow, Ledger
from batch_assets.storage.tables import StoredTable, Tables


@dataclass(frozen=True)
class PartitionState:
    """The tables of a partition as they stand."""

    jobs: StoredTable
    embeddings: StoredTable
    rejected: StoredTable

    @classmethod
    def read(cls, tables: Tables, partition: str) -> "PartitionState":
        names = ("batch_job", "embedding_table", "rejected_images")
        return cls(*(tables.partition(name, partition) for name in names))

    @property
    def ledger(self) -> Ledger:
        return Ledger.from_table(self.jobs.read()).with_answers(self.loaded_job, self._answered)

    @property
    def loaded_job(self) -> str | None:
        """Token of what the embedding table holds: the ARN of a job, or of a state without one."""
        token = self.embeddings.facts.get("loaded_job")
        return str(token) if token is not None else None

    @property
    def last_job(self) -> dict[str, Any]:
        """`arn`, `status` and `message` of the job that was loaded last; empty if there was none."""
        return dict(self.embeddings.facts.get("last_job", {}))

    @property
    def _answered(self) -> int:
        """Records of the job that was loaded last of which its output says something, or that were written off."""
        records = self.embeddings.facts.get("records", {})
        answered = int(records.get("records", 0)) - int(records.get("records_missing", 0))
        return answered + int(records.get("records_written_off", 0))

    def in_flight(self) -> JobRow | None:
        """The job whose results are not loaded yet, if any."""
        return self.ledger.in_flight(self.loaded_job)
