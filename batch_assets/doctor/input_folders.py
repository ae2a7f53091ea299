"""The folders that are submitted to Bedrock: one for each partition, and no `.jsonl` file of others in them.

Bedrock embeds, and bills, every `.jsonl` file below an input folder. The folders of the sampled partitions are looked
into, one page of each; the inventory of a partition tells them all.
"""

from collections.abc import Iterator

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.partitions import LOCK_NAME, PrefixTemplate
from batch_assets.settings import Settings

_MAX_FOLDERS = 12
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
    """Input folders of the partitions that some keys lie in, evenly chosen; the first partition's if there is none."""
    template = settings.template
    length = len(template.prefix(settings.first_partition))
    partitions = {key for name in keys if (key := template.find_key(name[:length])) is not None}
    folders = sorted({template.lane(key) for key in partitions or {settings.first_partition}})
    return folders[:: max(1, -(-len(folders) // _MAX_FOLDERS))]


def _foreign(deployment: Deployment, folder: str) -> list[str]:
    """The `.jsonl` files on the first page of a folder, and of its sub-folders if it is no partition's own."""
    settings = deployment.settings
    one_level = {"Delimiter": "/"} if _is_shared(settings.template, folder) else {}
    reply = deployment.client("s3").list_objects_v2(Bucket=settings.source_bucket, Prefix=folder, **one_level)
    keys = [entry["Key"] for entry in reply.get("Contents", [])]
    return [key for key in keys if key.lower().endswith(".jsonl") and key != folder + LOCK_NAME]


def _is_shared(template: PrefixTemplate, folder: str) -> bool:
    return template.find_key(folder) is None
