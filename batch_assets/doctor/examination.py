"""All checks in their order, and what each needs."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_assets.doctor import (
    buckets,
    credentials,
    index,
    input_folders,
    model,
    permissions,
    prefix_layout,
    quota,
    region,
    role,
    setting,
)
from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings, Level
from batch_assets.doctor.refusal import refusal
from batch_assets.errors import BatchAssetsError, SettingsError
from batch_assets.settings import Settings, load_settings


@dataclass(frozen=True)
class Check:
    """A check, and the checks whose failure makes it pointless."""

    examine: Callable[[Deployment, Findings], Iterable[Finding]]
    needs: tuple[str, ...] = ("settings", "credentials")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "settings": Check(setting.examine, needs=()),
        "credentials": Check(credentials.examine, needs=("settings",)),
        "permissions": Check(permissions.examine),
        "source_bucket": Check(buckets.examine_source),
        "results_bucket": Check(buckets.examine_results),
        "region": Check(region.examine, needs=("source_bucket", "results_bucket")),
        "role": Check(role.examine),
        "model": Check(model.examine),
        "vector_bucket": Check(buckets.examine_vector_bucket),
        "index": Check(index.examine),
        "quota": Check(quota.examine),
        "prefix_layout": Check(prefix_layout.examine, needs=("source_bucket",)),
        "input_folders": Check(input_folders.examine, needs=("source_bucket",)),
    }
)


def examine(client: Callable[[Settings, str], Any], *, names: Collection[str] = ()) -> Iterator[Finding]:
    """The findings of the named checks, or of all, as they come; what they need is examined too.

    Args:
        client: Gives the client of a service for these settings.
        names: Of `CHECKS`.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        yield from _without_settings(error, names)
        return
    deployment = Deployment(settings, lambda service: client(settings, service))
    failed: set[str] = set()
    wanted = _with_needs(names or CHECKS)
    for name in CHECKS:
        if name in wanted:
            found = list(_findings(name, deployment, failed))
            if any(one.level in {Level.WRONG, Level.SKIPPED} for one in found):
                failed.add(name)
            yield from (one for one in found if not names or name in names)


def _findings(name: str, deployment: Deployment, failed: Collection[str]) -> Iterator[Finding]:
    found, check = Findings(name), CHECKS[name]
    missing = next((needed for needed in check.needs if needed in failed), None)
    if missing is not None:
        yield found.skipped(missing)
        return
    try:
        yield from check.examine(deployment, found)
    except (BatchAssetsError, BotoCoreError, ClientError) as error:
        yield refusal(found, error)


def _without_settings(error: SettingsError, names: Collection[str]) -> Iterator[Finding]:
    for name in CHECKS:
        if name == "settings":
            yield Findings(name).wrong(str(error), "correct them in the environment or .env; batch-assets init asks")
        elif not names or name in names:
            yield Findings(name).skipped("settings")


def _with_needs(names: Iterable[str]) -> set[str]:
    wanted = set(names)
    while more := {needed for name in wanted for needed in CHECKS[name].needs} - wanted:
        wanted |= more
    return wanted
