"""What a call asks IAM for."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class AccessRequest:
    """One action on one resource, which a call needs; a call may need several.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: ARN of what it is done to, or ``*``.
        context: Values of condition keys.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Hash the context too."""
        return hash((self.action, self.resource, tuple(sorted(self.context.items()))))
