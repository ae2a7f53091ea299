"""A manifest on its way to Bedrock, with everything that decides whether and how it is sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from batch_assets.bedrock.jobs import job_name
from batch_assets.bedrock.ledger import JobRow, Ledger


@dataclass(frozen=True)
class Submission:
    """A rendered manifest of one partition and what surrounds it.

    `content_version` is the hash of what the partition should hold, `loaded_job` what its table holds already.
    `up_to_date` says that the table was made from this very listing. `refusal` and `hold` keep a manifest from being
    sent before a person has looked at it, and say why; `queue_behind` names what has to be loaded before.
    """

    partition: str
    records: int
    jsonl: bytes
    fingerprint: str
    content_version: str
    ledger: Ledger
    loaded_job: str | None
    foreign_manifests: Sequence[str]
    run_id: str
    up_to_date: bool = False
    refusal: str | None = None
    queue_behind: str | None = None
    hold: str | None = None
    over_budget_allowed: bool = False

    @property
    def attempt(self) -> int:
        return self.ledger.next_attempt(self.fingerprint, loaded_job=self.loaded_job)

    @property
    def job_name(self) -> str:
        return job_name(self.partition, self.fingerprint, self.attempt)

    def without_job(self, state: str, reason: str) -> JobRow:
        """A row without a job; its token is new only if a load would change the table."""
        digest = hashlib.sha256(f"{self.content_version}\0{self.fingerprint}\0{reason}".encode()).hexdigest()
        return JobRow(
            state=state,
            reason=reason,
            token=self.loaded_job if self.loaded_job and self.up_to_date else f"{state}:{digest[:32]}",
            fingerprint=self.fingerprint,
            records=self.records,
            over_budget_allowed=self.over_budget_allowed,
        )
