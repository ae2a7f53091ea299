"""The resources of a deployment as IAM names them: buckets and folders, model, jobs, role and index.

Source of the ARN forms: AWS Service Authorization Reference, "Resource types" of each service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_assets.iam.events import queue_arn
from batch_assets.iam.needs import Kind
from batch_assets.partitions import LOCK_NAME
from batch_assets.settings import Settings
from batch_assets.storage.objects import S3Address

_DIRECTIVE = re.compile(r"%(.)")
_DIGITS = {"Y": "????", "m": "??", "d": "??", "H": "??"}


@dataclass(frozen=True)
class Place:
    """ARNs of resources, in which `*` and `?` are wildcards, and the condition under which they are meant."""

    resources: tuple[str, ...]
    condition: Mapping[str, Any] = field(default_factory=dict)


Places = Mapping[Kind, Place]


def pictures(settings: Settings) -> Places:
    """The objects under the prefixes of the partitions."""
    return _folder(settings, _source(settings), objects=f"{as_wildcards(settings.prefix_template)}*")


def locks(settings: Settings) -> Places:
    """The one file in each input folder that is manifest and lock."""
    return _folder(settings, _source(settings), objects=f"{_lane(settings)}{LOCK_NAME}")


def results(settings: Settings) -> Places:
    return _folder(settings, S3Address.parse(settings.results_uri))


def on_demand_results(settings: Settings) -> Places:
    root = S3Address.parse(settings.results_uri)
    return _folder(settings, root, objects=f"{literal(root.key)}on-demand/*")


def tables(settings: Settings) -> Places:
    return _folder(settings, S3Address.parse(settings.tables_uri))


def retry_requests(settings: Settings) -> Places:
    root = S3Address.parse(settings.tables_uri)
    return _folder(settings, root, objects=f"{literal(root.key)}retry_requests/*")


def inventory_reports(settings: Settings) -> Places:
    return _folder(settings, S3Address.parse(settings.inventory_report))


def job_input(settings: Settings) -> Places:
    """What Bedrock reads: the manifest, and the pictures in the folder with it."""
    return _bucket(settings, settings.source_bucket, objects=f"{_lane(settings)}*")


def job_output(settings: Settings) -> Places:
    return _bucket(settings, settings.results_bucket, objects=f"{literal(settings.results_prefix)}*")


def jobs(settings: Settings) -> Places:
    """Batch jobs of the account, their model, and the role that they run under."""
    passed = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    return {
        **model(settings),
        Kind.JOBS: Place((f"{_arn(settings, 'bedrock')}:model-invocation-job/*",)),
        Kind.PASSED_ROLE: Place((settings.role_arn,), passed),
        Kind.ALL: Place(("*",)),
    }


def identities(settings: Settings) -> Places:
    """The service role, and whoever calls: a user has a variable for its name, a role has none."""
    account = f"arn:{partition(settings)}:iam::{settings.role_arn.split(':')[4]}"
    return {
        Kind.ROLE: Place((settings.role_arn,)),
        Kind.CALLER: Place((f"{account}:user/${{aws:username}}", f"{account}:role/*")),
    }


def model(settings: Settings) -> Places:
    name = f"arn:{partition(settings)}:bedrock:{settings.region}::foundation-model/{settings.model_id}"
    return {Kind.MODEL: Place((name,))}


def index(settings: Settings) -> Places:
    """The vector index, or those that a date in the name tells apart, and the bucket that they are in."""
    bucket = f"{_arn(settings, 's3vectors')}:bucket/{settings.vector_bucket}"
    return {
        Kind.VECTOR_BUCKET: Place((bucket,)),
        Kind.INDEX: Place((f"{bucket}/index/{as_wildcards(settings.index_name)}",)),
    }


def events_queue(settings: Settings) -> Places:
    return {Kind.QUEUE: Place((queue_arn(settings) or "",))}


def alert_topic(settings: Settings) -> Places:
    return {Kind.TOPIC: Place((settings.alert_topic_arn,))}


def partition(settings: Settings) -> str:
    """The AWS partition of the account: `aws`, `aws-cn` and so on."""
    return settings.role_arn.split(":")[1]


def literal(text: str) -> str:
    """Text in which nothing is a wildcard or a variable of IAM."""
    return re.sub(r"[*?$]", lambda found: f"${{{found.group()}}}", text)


def as_wildcards(template: str) -> str:
    """A name or prefix in strftime form with a `?` for each digit."""
    parts = _DIRECTIVE.split(template)
    return "".join(_DIGITS[part] if number % 2 else literal(part) for number, part in enumerate(parts))


def _source(settings: Settings) -> S3Address:
    """The folder of the source bucket under which all partitions lie, and their input folders."""
    lead = settings.prefix_template.partition("%")[0]
    return S3Address(settings.source_bucket, lead[: lead.rfind("/") + 1])


def _lane(settings: Settings) -> str:
    depth = settings.template.lane(settings.first_partition).count("/")
    folders = settings.prefix_template.split("/")[:depth]
    return as_wildcards("".join(f"{folder}/" for folder in folders))


def _folder(settings: Settings, root: S3Address, *, objects: str | None = None) -> Places:
    """Objects in a folder, and the right to list it."""
    everything = f"{literal(root.key)}*"
    places = _bucket(settings, root.bucket, objects=objects or everything)
    bucket = places[Kind.BUCKET]
    listed = {**bucket.condition, "StringLike": {"s3:prefix": [everything]}}
    return {**places, Kind.BUCKET: Place(bucket.resources, listed)}


def _bucket(settings: Settings, name: str, *, objects: str) -> Places:
    arn = f"arn:{partition(settings)}:s3:::{name}"
    # A bucket of this name in somebody else's account is not meant.
    ours = {"StringEquals": {"aws:ResourceAccount": settings.account_id}}
    return {Kind.BUCKET: Place((arn,), ours), Kind.OBJECTS: Place((f"{arn}/{objects}",), ours)}


def _arn(settings: Settings, service: str) -> str:
    return f"arn:{partition(settings)}:{service}:{settings.region}:{settings.role_arn.split(':')[4]}"
