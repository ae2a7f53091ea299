"""Every contender's result must be the same before any of its figures counts."""

from collections.abc import Iterable, Mapping

from benchmarks.errors import BenchmarkError, WrongResultError
from benchmarks.measuring import Sample
from benchmarks.model import Contender, Role


def check_digests(stage: str, contenders: Iterable[Contender], samples: Mapping[str, Iterable[Sample]]) -> str | None:
    """Return the one digest of all samples of all contenders but limits; None if there are only limits.

    Raises:
        WrongResultError: If digests differ; the message names who has which.
        BenchmarkError: If a contender that is no limit gives none.
    """
    holders: dict[str, list[str]] = {}
    for contender in contenders:
        if contender.role is Role.LIMIT:
            continue
        for digest in {_digest(stage, contender, sample) for sample in samples[contender.name]}:
            holders.setdefault(digest, []).append(contender.name)
    if len(holders) > 1:
        who = "; ".join(f"{digest}: {', '.join(names)}" for digest, names in holders.items())
        raise WrongResultError(f"stage {stage}: results differ, nothing is reported. {who}")
    return next(iter(holders), None)


def _digest(stage: str, contender: Contender, sample: Sample) -> str:
    digest = sample.outcome.get("digest")
    if digest is None:
        raise BenchmarkError(f"stage {stage}: {contender.name} gives no digest, so nobody can tell if it is right")
    return str(digest)
