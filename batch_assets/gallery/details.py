"""What is told of one picture, and where more of it can be seen."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.searching import described_by_index, vector_of


def picture_details(deployment: Deployment, key: str) -> Mapping[str, Any]:
    """What the index knows of a picture, with links. Raises `RequestError` if it is not in the index."""
    metadata = vector_of(deployment, deployment.shown_key(key), returnMetadata=True)["metadata"]
    return {
        **described_by_index(key, metadata),
        **{name: metadata[name] for name in ("s3_uri", "etag", "record_id", "job_id")},
        "dagster_url": _materialisation_url(deployment, metadata["partition"]),
        "console_url": _console_url(deployment, key),
    }


def _materialisation_url(deployment: Deployment, partition: str) -> str | None:
    if deployment.dagster_url is None:
        return None
    return f"{deployment.dagster_url}/assets/embedding_table?view=partitions&partition={quote(partition, safe='')}"


def _console_url(deployment: Deployment, key: str) -> str:
    settings = deployment.settings
    place = f"{settings.source_bucket}?region={settings.region}&prefix={quote(key, safe='')}"
    return f"https://s3.console.aws.amazon.com/s3/object/{place}"
