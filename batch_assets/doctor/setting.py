"""The settings: valid as a whole, no name misspelt, and a first partition that has begun."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from dotenv import dotenv_values

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings

KNOWN = frozenset(f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Settings.model_fields)


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    template = settings.template
    yield found.ok(
        f"all {len(KNOWN)} are valid: {template.granularity} partitions "
        f"s3://{settings.source_bucket}/{template.template} from {settings.first_partition} on"
    )
    for name in unknown_names({**dotenv_values(str(Settings.model_config["env_file"])), **os.environ}):
        near = get_close_matches(name, KNOWN, n=1)
        meant = f"write {near[0]}" if near else "remove it"
        yield found.warning(f"{name} is no setting and changes nothing", f"{meant}; batch-assets settings lists them")
    now = datetime.now(ZoneInfo(settings.timezone)).replace(tzinfo=None)
    if template.moment(settings.first_partition) > now:
        yield found.warning(
            f"the first partition, {settings.first_partition}, has not begun: nothing will be planned before",
            f"set {ENVIRONMENT_PREFIX}FIRST_PARTITION to the earliest partition with pictures",
        )


def unknown_names(variables: Mapping[str, str | None]) -> list[str]:
    """Variables that look like settings and are none."""
    return sorted(name for name in (key.upper() for key in variables) if _like_ours(name) and name not in KNOWN)


def _like_ours(name: str) -> bool:
    return name.startswith(ENVIRONMENT_PREFIX)
