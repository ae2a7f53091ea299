"""What the gallery shows: one deployment, its clients, and which of its objects may be seen."""

from dataclasses import dataclass
from typing import Any

from batch_assets.gallery.refusal import not_found
from batch_assets.settings import Settings
from batch_assets.storage.tables import Tables

_MAX_KEY_BYTES = 1024  # Amazon S3 user guide, "Creating object key names"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Settings and clients, which the threads of the server share.

    Attributes:
        settings: Of the deployment.
        s3: Client of S3.
        s3vectors: Client of S3 Vectors.
        bedrock_runtime: Client of Bedrock's InvokeModel.
        tables: The tables in S3.
        dagster_url: Address of Dagster's web UI without `/` at its end, if pages may link there.
        note: A line that the page shows, if there is one.
    """

    settings: Settings
    s3: Any
    s3vectors: Any
    bedrock_runtime: Any
    tables: Tables
    dagster_url: str | None = None
    note: str | None = None

    def shown_key(self, key: str) -> str:
        """The key itself if it may belong to a picture of this deployment, wherever else the credentials reach.

        Raises `RequestError` for a key outside the prefix template, and for one with a `.` or `..` folder, which
        something on the way might resolve.
        """
        inside = self.settings.template.inside_a_partition(key) and len(key.encode()) <= _MAX_KEY_BYTES
        if not inside or {".", ".."} & set(key.split("/")):
            raise not_found(f"{key[:200]!r} is not under the prefix {self.settings.prefix_template}")
        return key
