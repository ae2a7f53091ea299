"""The Region: buckets of pictures and results lie where Bedrock runs the jobs."""

from collections.abc import Iterator

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.layout.sample import lead_folder
from batch_assets.storage.objects import S3Address


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    source = S3Address(settings.source_bucket, lead_folder(settings.template))
    places = {place.bucket: place for place in (S3Address.parse(settings.results_uri), source)}
    elsewhere = {bucket: where for bucket, place in places.items() if (where := _region(deployment, place))}
    for bucket, where in elsewhere.items():
        yield found.wrong(
            f"the bucket {bucket} is in {where}, and batch jobs run in {settings.region}",
            f"use a bucket in {settings.region}: {settings.space.model.model_id} has batch inference in "
            f"{', '.join(sorted(settings.space.model.batch_regions))}",
        )
    if not elsewhere:
        yield found.ok(f"{settings.region}, for Bedrock, the index and {' and '.join(sorted(places))}")


def _region(deployment: Deployment, place: S3Address) -> str | None:
    """Where a bucket is, if that is not where it should be.

    boto3 follows S3 to the Region of the bucket, and every answer of S3 says it.
    """
    reply = deployment.client("s3").list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
    region: str | None = reply["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    return region if region != deployment.settings.region else None
