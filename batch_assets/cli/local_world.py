"""A disposable world on this machine: a sandbox with a bucket of pictures, a role, and the settings that fit them."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3

from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import permissions
from batch_assets.iam.service_role import ServiceRole
from batch_assets.partitions import PrefixTemplate
from batch_assets.sandbox.config import ACCOUNT_ID, REGION
from batch_assets.sandbox.demo_pictures import DemoObject, upload
from batch_assets.sandbox.process import CONFLICTING_VARIABLES, RunningSandbox
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings

BUCKET, VECTOR_BUCKET, ROLE = "demo-pictures", "demo-vectors", "batch-assets-bedrock"
TEMPLATE = PrefixTemplate("photos/%Y/%m/%d/")
STAND_IN = "The vectors come from a colour and texture descriptor that stands in for Nova on this machine."


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

    @cached_property
    def settings(self) -> Settings:
        """Those of this world alone, whatever stands in the environment of this process."""
        nowhere: dict[str, Any] = {"_env_file": None, "_env_prefix": "BATCH_ASSETS_LOCAL_WORLD_"}
        return Settings(**nowhere, **self._variables)

    @property
    def _variables(self) -> dict[str, Any]:
        return {
            "source_bucket": BUCKET,
            "prefix_template": TEMPLATE.template,
            "first_partition": self.partitions[0],
            "account_id": ACCOUNT_ID,
            "role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE}",
            "vector_bucket": VECTOR_BUCKET,
            "sensor_interval_seconds": "1",
        }

    def environment(self) -> dict[str, str]:
        """What tells AWS clients and the pipeline about this world; the same settings name a real account."""
        variables = {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in self._variables.items()}
        return {**self.sandbox.environment(), **variables}

    def seed(self, objects: Iterable[DemoObject], progress: Callable[[int], None] | None = None) -> int:
        """Make bucket and role, put the pictures, and give the number of objects."""
        s3 = self._client("s3")
        s3.create_bucket(Bucket=BUCKET)
        role = ServiceRole(self._client("iam"), self.settings)
        role.write(role.read())
        return upload(s3, BUCKET, objects, progress=progress).objects

    def new_user(self, name: str, *purposes: Purpose) -> dict[str, str]:
        """Make a user who may do what some purposes need, and give the environment variables of its access key."""
        iam = self._client("iam")
        iam.create_user(UserName=name)
        for purpose in purposes:
            document = json.dumps(permissions(purpose, self.settings))
            policy = iam.create_policy(PolicyName=f"{name}-{purpose}", PolicyDocument=document)["Policy"]
            iam.attach_user_policy(UserName=name, PolicyArn=policy["Arn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

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
