"""The source, results and vector buckets: that they exist, can be read, and belong to the account of the settings.

S3 is asked under the prefixes that the pipeline itself lists and reads, so that permissions for these are enough.
"""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.doctor.refusal import is_denied
from batch_assets.layout.sample import lead_folder
from batch_assets.partitions import LOCK_NAME
from batch_assets.storage.objects import S3Address, is_missing

_ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "IllegalLocationConstraintException"}
)
_PROBE = "batch-assets-doctor"
"""Name of an object that need not exist: whether it could be read is told all the same."""


def examine_source(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    lane = settings.template.lane(settings.first_partition)
    yield from _examine(
        deployment,
        found,
        places=[S3Address(settings.source_bucket, lead_folder(settings.template))],
        objects=[S3Address(settings.source_bucket, lane + LOCK_NAME)],
        setting="BATCH_ASSETS_SOURCE_BUCKET",
    )


def examine_results(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    places = [S3Address.parse(settings.results_uri), S3Address.parse(settings.tables_uri)]
    yield from _examine(
        deployment,
        found,
        places=places,
        objects=[S3Address(place.bucket, place.key + _PROBE) for place in places],
        setting="BATCH_ASSETS_RESULTS_BUCKET, or _TABLES_URI,",
    )


def examine_vector_bucket(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    client, name = deployment.client("s3vectors"), deployment.settings.vector_bucket
    try:
        client.get_vector_bucket(vectorBucketName=name)
    except client.exceptions.NotFoundException:
        yield found.ok(f"{name} does not exist yet: the first load creates it")
    else:
        yield found.ok(f"{name} exists")


def _examine(
    deployment: Deployment, found: Findings, *, places: list[S3Address], objects: list[S3Address], setting: str
) -> Iterator[Finding]:
    for place in places:
        problem = _problem(deployment, found, place, setting)
        if problem is not None:
            yield problem
            return
    for address in objects:
        _read(deployment, address)
    yield found.ok(f"{' and '.join(place.uri for place in places)} can be listed and read")


def _problem(deployment: Deployment, found: Findings, place: S3Address, setting: str) -> Finding | None:
    client, owner = deployment.client("s3"), deployment.settings.account_id
    try:
        client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code == "NoSuchBucket":
            return found.wrong(
                f"the bucket {place.bucket} does not exist", f"create it, or set {setting} to one that exists"
            )
        if code in _ELSEWHERE:
            return found.wrong(
                f"the bucket {place.bucket} is not in {deployment.settings.region}",
                f"set {setting} to a bucket in {deployment.settings.region}, the Region of Bedrock and of the index",
            )
        raise
    try:
        client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1, ExpectedBucketOwner=owner)
    except ClientError as error:
        # The same call without this condition was allowed just now.
        if is_denied(error):
            return found.wrong(
                f"the bucket {place.bucket} does not belong to account {owner}",
                "set BATCH_ASSETS_ACCOUNT_ID to the account that owns it",
            )
        raise
    return None


def _read(deployment: Deployment, address: S3Address) -> None:
    """Ask for an object that may be absent. The refusal of one that cannot be read passes through."""
    try:
        deployment.client("s3").head_object(Bucket=address.bucket, Key=address.key)
    except ClientError as error:
        if not is_missing(error):
            raise
