"""What calls have asked IAM for, and what came of it."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.policy import Decision


@dataclass(frozen=True)
class Access:
    """One request of one operation, and what the policies of the caller say to it."""

    caller: str
    operation: str
    request: AccessRequest
    decision: Decision


class AccessLog:
    """Each different access with the number of times; safe to use from several threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._counts: Counter[Access] = Counter()

    def add(self, access: Access) -> None:
        """Count an access."""
        with self._lock:
            self._counts[access] += 1

    def reset(self) -> None:
        """Forget all."""
        with self._lock:
            self._counts.clear()

    def describe(self) -> list[dict[str, Any]]:
        """Return the accesses as JSON has them."""
        with self._lock:
            counted = list(self._counts.items())
        return [
            {
                "caller": access.caller,
                "operation": access.operation,
                "action": access.request.action,
                "resource": access.request.resource,
                "context": dict(access.request.context),
                "decision": access.decision.value,
                "calls": calls,
            }
            for access, calls in counted
        ]
