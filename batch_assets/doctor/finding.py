"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; a check that another one's failure makes pointless is skipped."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing that is right, or wrong and how to mend it.

    Attributes:
        check: Name of the check.
        level: How bad it is.
        message: What was found, with the names concerned.
        cure: What to do about it; empty if nothing is to be done.
    """

    check: str
    level: Level
    message: str
    cure: str = ""


@dataclass(frozen=True)
class Findings:
    """Makes the findings of one check."""

    check: str

    def ok(self, message: str) -> Finding:
        return Finding(self.check, Level.OK, message)

    def warning(self, message: str, cure: str) -> Finding:
        return Finding(self.check, Level.WARNING, message, cure)

    def wrong(self, message: str, cure: str) -> Finding:
        return Finding(self.check, Level.WRONG, message, cure)

    def skipped(self, needed: str) -> Finding:
        return Finding(self.check, Level.SKIPPED, f"not looked at: {needed} has to be mended first")
