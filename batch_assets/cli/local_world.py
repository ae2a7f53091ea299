"""A disposable world on this machine: a sandbox with a bucket of pictures, a role, and the settings that fit them."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from batch_assets.partitions import PrefixTemplate
from batch_assets.sandbox.config import ACCOUNT_ID, REGION
from batch_assets.sandbox.demo_pictures import DemoObject, upload
from batch_assets.sandbox.process import CONFLICTING_VARIABLES, RunningSandbox

BUCKET, VECTOR_BUCKET, ROLE = "demo-pictures", "demo-vectors", "batch-assets-bedrock"
TEMPLATE = PrefixTemplate("photos/%Y/%m/%d/")
STAND_IN = "The vectors come from a colour and texture descriptor that stands in for Nova on this machine."

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT_ID},
                "ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}:model-invocation-job/*"},
            },
        }
    ],
}


def complete_days(number: int) -> list[str]:
    """Partition keys of the last complete days (UTC), oldest first."""
    today = datetime.now(UTC)
    return [(today - timedelta(days=ago)).strftime(TEMPLATE.key_format) for ago in range(number, 0, -1)]


@dataclass(frozen=True)
class LocalWorld:
    """A running sandbox and the partitions whose pictures are put there."""

    sandbox: RunningSandbox
    partitions: Sequence[str]

    @property
    def prefixes(self) -> list[str]:
        return [TEMPLATE.prefix(key) for key in self.partitions]

    def environment(self) -> dict[str, str]:
        """What tells AWS clients and the pipeline about this world; the same settings name a real account."""
        return {
            **self.sandbox.environment(),
            "BATCH_ASSETS_SOURCE_BUCKET": BUCKET,
            "BATCH_ASSETS_PREFIX_TEMPLATE": TEMPLATE.template,
            "BATCH_ASSETS_FIRST_PARTITION": self.partitions[0],
            "BATCH_ASSETS_ACCOUNT_ID": ACCOUNT_ID,
            "BATCH_ASSETS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE}",
            "BATCH_ASSETS_VECTOR_BUCKET": VECTOR_BUCKET,
            "BATCH_ASSETS_SENSOR_INTERVAL_SECONDS": "1",
        }

    def seed(self, objects: Iterable[DemoObject], progress: Callable[[int], None] | None = None) -> int:
        """Make bucket and role, put the pictures, and give the number of objects."""
        s3 = self._client("s3")
        s3.create_bucket(Bucket=BUCKET)
        self._client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        return upload(s3, BUCKET, objects, progress=progress).objects

    def _client(self, service: str) -> Any:
        environment = self.sandbox.environment()
        return boto3.client(  # type: ignore[call-overload]  # the name is not literal
            service,
            endpoint_url=self.sandbox.endpoint_url,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )


def clean_environment(current: Mapping[str, str], additions: Mapping[str, str]) -> dict[str, str]:
    """An environment with the additions, without what would send clients or settings elsewhere."""
    kept = {
        name: value
        for name, value in current.items()
        if name not in CONFLICTING_VARIABLES and not name.startswith(("AWS_", "BATCH_ASSETS_", "DAGSTER_"))
    }
    return {**kept, **additions}


def shell_exports(environment: Mapping[str, str]) -> str:
    """Lines for a shell that speaks to the sandbox."""
    unset = f"unset {' '.join(CONFLICTING_VARIABLES)}"
    return "\n".join([unset, *(f"export {name}={shlex.quote(value)}" for name, value in environment.items())])
