"""What a sandbox can be told when it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"  # the account that moto serves
ACCESS_KEY_ID = "sandbox"  # the account's own, which may do everything


@dataclass(frozen=True, kw_only=True)
class JobSchedule:
    """When a batch job reaches each state, in virtual seconds after its submission.

    A state is reached at the later of this schedule and the real work. AWS publishes no such
    times; these are plausible ones for a short queue.
    """

    validating_seconds: float = 30
    scheduled_seconds: float = 90
    in_progress_seconds: float = 900
    completed_seconds: float = 1800
    stopping_seconds: float = 30


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """The knobs of one sandbox.

    Attributes:
        speed: Virtual seconds per real second; 0 freezes the clock.
        max_live_jobs: Submitted and running batch jobs allowed per model.
        embedding_workers: Processes that turn pictures into vectors.
        schedule: Pace of a batch job on the virtual clock.
        faults: Fault rules in force from the start.
        enforce_policies: Whether calls are refused that the policies of their caller do not allow.
        record_access: Whether what calls ask IAM for is kept, for ``/_local/access``.
        allowed_hosts: Names besides those of loopback that requests may be addressed to.
    """

    speed: float = 1.0
    max_live_jobs: int = 100
    embedding_workers: int = 2
    schedule: JobSchedule = field(default_factory=JobSchedule)
    faults: Sequence[Mapping[str, Any]] = ()
    enforce_policies: bool = False
    record_access: bool = False
    allowed_hosts: Sequence[str] = ()
