"""Everything a sandbox holds: the services of each Region over one store and one clock."""

import threading
from typing import Any

from batch_assets.sandbox.authorization.access_log import AccessLog
from batch_assets.sandbox.authorization.guard import Guard
from batch_assets.sandbox.bedrock.embedding import Embedder, EmbeddingPool
from batch_assets.sandbox.bedrock.engine import BatchEngine
from batch_assets.sandbox.bedrock.events import JobEvents
from batch_assets.sandbox.bedrock.job import Job
from batch_assets.sandbox.bedrock.jobs import BedrockService
from batch_assets.sandbox.bedrock.runtime import BedrockRuntimeService
from batch_assets.sandbox.call_counts import CallCounts
from batch_assets.sandbox.clock import VirtualClock
from batch_assets.sandbox.config import ACCOUNT_ID, SandboxConfig
from batch_assets.sandbox.faults.plan import FaultPlan
from batch_assets.sandbox.s3_store import ObjectStore


class World:
    """One disposable world; a new sandbox starts a fresh one."""

    def __init__(self, config: SandboxConfig, *, embedder: Embedder | None = None) -> None:
        """Start the clock; services are made when a Region is first used. The descriptor embeds by default."""
        self.config = config
        self.clock = VirtualClock(speed=config.speed)
        self.faults = FaultPlan()
        self.faults.add(config.faults)
        self.calls = CallCounts()
        self.access = AccessLog()
        self.guard = Guard(config.enforce_policies, self.access if config.record_access else None)
        self.store = ObjectStore()
        self._pool = embedder or EmbeddingPool(workers=config.embedding_workers)
        self._engine = BatchEngine(
            clock=self.clock,
            store=self.store,
            pool=self._pool,
            schedule=config.schedule,
            guard=self.guard,
            events=JobEvents(self.clock),
        )
        self._lock = threading.Lock()
        self._handlers: dict[tuple[str, str], Any] = {}

    def handler(self, service: str, region: str) -> Any:
        """Return the object that answers for a service in a Region."""
        with self._lock:
            if (service, region) not in self._handlers:
                self._handlers[service, region] = self._make(service, region)
            return self._handlers[service, region]

    def jobs(self) -> list[Job]:
        """Return the batch jobs of all Regions."""
        with self._lock:
            services = [handler for handler in self._handlers.values() if isinstance(handler, BedrockService)]
        return [job for service in services for job in service.jobs()]

    def close(self) -> None:
        """End jobs and worker processes."""
        self._engine.close()
        self._pool.close()

    def _make(self, service: str, region: str) -> Any:
        match service:
            case "bedrock":
                return BedrockService(
                    region=region,
                    clock=self.clock,
                    engine=self._engine,
                    faults=self.faults,
                    schedule=self.config.schedule,
                    max_live_jobs=self.config.max_live_jobs,
                )
            case "bedrock-runtime":
                return BedrockRuntimeService(store=self.store, pool=self._pool)
            case "s3vectors":
                # Imported here: it needs numpy, which a sandbox for S3 alone does not load.
                from batch_assets.sandbox.s3vectors.service import S3VectorsService  # noqa: PLC0415

                return S3VectorsService(account_id=ACCOUNT_ID, region=region, clock=self.clock.now)
        raise LookupError(service)
