"""The calls that are made to AWS, by what they are made for and what they are made on.

This is all that the permissions are derived from. tests/iam/ records the calls of the test-suite and fails when one is
missing here, or when one stands here that nothing makes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from batch_assets.iam import places
from batch_assets.iam.places import Places
from batch_assets.settings import Settings


class Purpose(StrEnum):
    """Who calls."""

    PIPELINE = "pipeline"
    BEDROCK_ROLE = "bedrock-role"
    SEARCH = "search"


@dataclass(frozen=True)
class Calls:
    """Operations on the same resources.

    Attributes:
        name: Begins the ids of their statements.
        operations: `<service>.<operation>` as boto3 names them.
        on: The resources, for the settings at hand.
        made: Whether they are made at all with these settings.
    """

    name: str
    operations: tuple[str, ...]
    on: Callable[[Settings], Places]
    made: Callable[[Settings], bool] = lambda _: True


def _on_demand(settings: Settings) -> bool:
    return settings.under_minimum == "on_demand"


def _has_queue(settings: Settings) -> bool:
    return bool(settings.events_queue_url)


def _has_topic(settings: Settings) -> bool:
    return bool(settings.alert_topic_arn)


def _reads_reports(settings: Settings) -> bool:
    return bool(settings.inventory_report)


def _shows_pictures(settings: Settings) -> bool:
    return settings.pictures


def _clean_up(settings: Settings) -> bool:
    return settings.results_retention_days > 0


_PIPELINE = (
    Calls("Pictures", ("s3.ListObjectsV2",), places.pictures),
    Calls("Reports", ("s3.ListObjectsV2", "s3.GetObject"), places.inventory_reports, _reads_reports),
    Calls("Pictures", ("s3.GetObject",), places.pictures, _shows_pictures),
    # In a tail on demand, in which the model reads the pictures with the permissions of its caller.
    Calls("Pictures", ("s3.HeadObject",), places.pictures, _on_demand),
    Calls("Locks", ("s3.PutObject", "s3.HeadObject", "s3.GetObject", "s3.DeleteObject"), places.locks),
    Calls("Results", ("s3.ListObjectsV2", "s3.GetObject"), places.results),
    Calls("ExpiredResults", ("s3.DeleteObjects",), places.results, _clean_up),
    Calls(
        "Tables",
        (
            "s3.ListObjectsV2",
            "s3.GetObject",
            "s3.HeadObject",
            "s3.PutObject",
            "s3.CreateMultipartUpload",
            "s3.UploadPart",
            "s3.CompleteMultipartUpload",
            "s3.AbortMultipartUpload",
        ),
        places.tables,
    ),
    Calls("RetryRequests", ("s3.DeleteObject",), places.retry_requests),
    Calls(
        "Batch",
        (
            "bedrock.CreateModelInvocationJob",
            "bedrock.GetModelInvocationJob",
            "bedrock.ListModelInvocationJobs",
            "bedrock.StopModelInvocationJob",
        ),
        places.jobs,
    ),
    Calls("Tail", ("bedrock-runtime.InvokeModel",), places.model, _on_demand),
    Calls("TailResults", ("s3.PutObject",), places.on_demand_results, _on_demand),
    Calls(
        "Load",
        (
            "s3vectors.CreateVectorBucket",
            "s3vectors.CreateIndex",
            "s3vectors.GetIndex",
            "s3vectors.ListTagsForResource",
            "s3vectors.TagResource",
            "s3vectors.PutVectors",
            "s3vectors.GetVectors",
            "s3vectors.DeleteVectors",
            "s3vectors.ListVectors",
        ),
        places.index,
    ),
    Calls("Events", ("sqs.ReceiveMessage", "sqs.DeleteMessageBatch"), places.events_queue, _has_queue),
    Calls("Alerts", ("sns.Publish",), places.alert_topic, _has_topic),
    # Of `batch-assets doctor`, beside what it tries of the others.
    Calls("Doctor", ("bedrock.GetFoundationModel", "bedrock.GetFoundationModelAvailability"), places.jobs),
    Calls("Doctor", ("s3vectors.GetVectorBucket",), places.index),
    Calls("Doctor", ("sts.GetCallerIdentity", "iam.GetRole", "iam.SimulatePrincipalPolicy"), places.identities),
)

# What Bedrock does as the role, as its user guide has it: it reads one folder and writes to another.
_BEDROCK_ROLE = (
    Calls("Input", ("s3.ListObjectsV2", "s3.GetObject"), places.job_input),
    Calls("Output", ("s3.ListObjectsV2", "s3.PutObject"), places.job_output),
)

# The command, the search page and notebooks.
_SEARCH = (
    Calls("Search", ("bedrock-runtime.InvokeModel",), places.model),
    Calls("Search", ("s3vectors.QueryVectors", "s3vectors.GetVectors"), places.index),
    Calls("Pictures", ("s3.GetObject",), places.pictures),
    Calls("Tables", ("s3.ListObjectsV2", "s3.GetObject"), places.tables),
)

CALLS: Mapping[Purpose, tuple[Calls, ...]] = MappingProxyType(
    {Purpose.PIPELINE: _PIPELINE, Purpose.BEDROCK_ROLE: _BEDROCK_ROLE, Purpose.SEARCH: _SEARCH}
)
