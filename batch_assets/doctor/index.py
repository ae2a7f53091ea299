"""The vector index: of the right form, and of this source bucket and embedding space."""

from collections.abc import Iterator

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.vectors.all_indexes import index_names
from batch_assets.vectors.index import (
    OWNED_BY,
    IndexDescription,
    IndexOwner,
    describe_index,
    differences,
    foreign_tags,
)

_OTHER_INDEX = "set BATCH_ASSETS_INDEX_NAME to another index, which the first load then creates"


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings, client = deployment.settings, deployment.client("s3vectors")
    names = index_names(settings)
    described = ((name, describe_index(client, bucket=settings.vector_bucket, index=name)) for name in names)
    existing = {name: index for name, index in described if index is not None}
    if not existing:
        where = f"{settings.index_name} of vector bucket {settings.vector_bucket}"
        yield found.ok(f"{where} does not exist yet: the first load creates it")
    for name, index in existing.items():
        yield from _examined(deployment, found, index, f"{name} of vector bucket {settings.vector_bucket}")


def _examined(deployment: Deployment, found: Findings, index: IndexDescription, where: str) -> Iterator[Finding]:
    settings = deployment.settings
    problems = [*differences(index, dimension=settings.dimension), *_foreign(deployment, index)]
    for problem in problems:
        yield found.wrong(f"{where}: {problem}", _OTHER_INDEX)
    if not problems:
        yield found.ok(f"{where}: {index.dimension} dimensions, {index.distance_metric}, for {settings.source_bucket}")


def _foreign(deployment: Deployment, index: IndexDescription) -> Iterator[str]:
    settings = deployment.settings
    owner = IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug)
    tags = deployment.client("s3vectors").list_tags_for_resource(resourceArn=index.arn)["tags"]
    for tag, theirs in foreign_tags(tags, owner).items():
        yield f"belongs to {OWNED_BY[tag]} {theirs}, not to {owner.tags()[tag]}"
