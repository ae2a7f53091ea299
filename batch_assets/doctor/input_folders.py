"""The folders that are submitted to Bedrock: one for each partition, and no `.jsonl` file of others in them.

Bedrock embeds, and bills, every `.jsonl` file below an input folder. The folders of the sampled partitions are looked
into, one page of each; the inventory of a partition tells them all.
"""

from collections.abc import Iterator

import pyarrow as pa

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.partitions import LOCK_NAME
from batch_assets.settings import Settings
from batch_assets.storage.eligibility import is_jsonl

_MAX_PARTITIONS = 12
_MAX_NAMED = 3


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    folders = _folders(settings, deployment.sample.keys)
    foreign = [key for folder in folders for key in _foreign(deployment, folder)]
    if foreign:
        more = f" and {len(foreign) - _MAX_NAMED} more" if len(foreign) > _MAX_NAMED else ""
        yield found.wrong(
            f"Bedrock would embed what these files say: {', '.join(map(repr, foreign[:_MAX_NAMED]))}{more}",
            "move them out of the folders of pictures, or delete them",
        )
    if settings.template.shares_lanes:
        yield found.warning(
            f"Bedrock refuses characters of {settings.prefix_template!r} in an input folder, so partitions share "
            f"s3://{settings.source_bucket}/{settings.template.lane(settings.first_partition)}: one job at a time",
            "if that is too slow, use folders of letters, digits and -!_*'(). only, such as 2024/01/02/",
        )
    elif not foreign:
        yield found.ok(f"each partition has its own, and no .jsonl file was found in {len(folders)} of them")


def _folders(settings: Settings, keys: list[str]) -> list[str]:
    """Input folders and prefixes of the partitions that some keys lie in, evenly chosen; else of the first one."""
    template = settings.template
    partitions = {key for name in keys if (key := template.partition_of(name)) is not None}
    chosen = sorted(partitions or {settings.first_partition})
    chosen = chosen[:: max(1, -(-len(chosen) // _MAX_PARTITIONS))]
    return sorted({folder for key in chosen for folder in (template.lane(key), template.prefix(key))})


def _foreign(deployment: Deployment, folder: str) -> list[str]:
    """The `.jsonl` files on the first page of a folder; of one that partitions share, only those directly in it."""
    settings = deployment.settings
    one_level = {"Delimiter": "/"} if settings.template.find_key(folder) is None else {}
    reply = deployment.client("s3").list_objects_v2(Bucket=settings.source_bucket, Prefix=folder, **one_level)
    keys = pa.array([entry["Key"] for entry in reply.get("Contents", [])], pa.string())
    return [key for key in keys.filter(is_jsonl(keys)).to_pylist() if key != folder + LOCK_NAME]
