"""An alert: one kind of trouble, the partitions that have it, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote

_SHOWN = 20
_SUBJECT_LETTERS = 100


class Kind(StrEnum):
    """A kind of trouble; `WHAT_TO_DO` says what helps."""

    HELD = "held"
    REFUSED = "refused"
    OVERDUE = "overdue"
    LEFT = "left"
    STUCK = "stuck"
    CHECK_FAILED = "check_failed"


TITLES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.HELD: "pictures are held back",
        Kind.REFUSED: "the manifest is refused",
        Kind.OVERDUE: "the batch job is older than its timeout",
        Kind.LEFT: "runs failed too often and are not started again",
        Kind.STUCK: "nothing reaches the index",
        Kind.CHECK_FAILED: "a check failed",
    }
)
WHAT_TO_DO: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.HELD: "mend the cause, then launch plan_and_submit by hand",
        Kind.REFUSED: "do what the reason says, then launch plan_and_submit by hand",
        Kind.OVERDUE: "look at the job in the console of Amazon Bedrock; stop it there or with batch-assets jobs, and "
        "its pictures are sent again when plan_and_submit is launched by hand",
        Kind.LEFT: "look at the last run, mend its cause, and launch the job by hand",
        Kind.STUCK: "look at the newest ticks of completion_sensor and submission_sensor: they say what they wait for",
        Kind.CHECK_FAILED: "docs/daily-operation.md says for each check what to do",
    }
)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a partition. It is the same as one that was told before if its identity is."""

    kind: Kind
    identity: str
    text: str


@dataclass(frozen=True)
class Alert:
    """What people are sent: troubles of one kind, each with its partition.

    `web_ui_url` is the address of Dagster's web UI, or empty: then there are no links.
    """

    kind: Kind
    troubles: Sequence[tuple[str, Trouble]]
    web_ui_url: str = ""

    @property
    def subject(self) -> str:
        """One line of at most 100 ASCII letters, as SNS wants it."""
        partitions = sorted({partition for partition, _ in self.troubles})
        about = partitions[0] if len(partitions) == 1 else f"{len(partitions)} partitions"
        return f"batch_assets: {about}: {TITLES[self.kind]}".encode("ascii", "replace").decode()[:_SUBJECT_LETTERS]

    @property
    def text(self) -> str:
        """Partitions, what is wrong with each, where to look, and what to do."""
        shown = [line for partition, trouble in self.troubles[:_SHOWN] for line in self._lines(partition, trouble)]
        more = [f"and {len(self.troubles) - _SHOWN} more"] if len(self.troubles) > _SHOWN else []
        return "\n".join([f"{TITLES[self.kind]}:", "", *shown, *more, "", f"What to do: {WHAT_TO_DO[self.kind]}."])

    def link(self, partition: str) -> str:
        """The page of a partition in Dagster's web UI."""
        return f"{self.web_ui_url.rstrip('/')}/assets/batch_job?view=partitions&partition={quote(partition, safe='')}"

    def _lines(self, partition: str, trouble: Trouble) -> Sequence[str]:
        links = [f"  {self.link(partition)}"] if self.web_ui_url else []
        return [f"{partition}: {trouble.text}", *links]
