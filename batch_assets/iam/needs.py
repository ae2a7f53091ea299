"""Which IAM actions a call of the SDK needs, and on what kind of resource.

Sources: AWS Service Authorization Reference (actions of Amazon S3, Amazon Bedrock, Amazon S3 Vectors, Amazon SQS,
Amazon SNS, IAM and STS);
Amazon S3 API Reference, "Permissions" of each operation; Amazon Bedrock user guide, "Required permissions for batch
inference"; the service model of S3 Vectors, which names GetVectors for calls that return metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """A kind of resource; the value ends the id of a statement about it."""

    BUCKET = "Bucket"
    OBJECTS = "Objects"
    MODEL = "Model"
    JOBS = "Jobs"
    ROLE = "Role"
    PASSED_ROLE = "PassedRole"
    CALLER = "Caller"
    VECTOR_BUCKET = "VectorBucket"
    INDEX = "Index"
    QUEUE = "Queue"
    TOPIC = "Topic"
    ALL = "All"


@dataclass(frozen=True)
class Need:
    """An IAM action, and the kind of resource that it is asked for."""

    action: str
    kind: Kind


_WRITE = (Need("s3:PutObject", Kind.OBJECTS),)
# For an object that is not there, S3 answers 404 only to who may list the bucket, and 403 to others.
_READ = (Need("s3:GetObject", Kind.OBJECTS), Need("s3:ListBucket", Kind.BUCKET))
_REMOVE = (Need("s3:DeleteObject", Kind.OBJECTS),)
_METADATA = Need("s3vectors:GetVectors", Kind.INDEX)

NEEDS: Mapping[str, tuple[Need, ...]] = MappingProxyType(
    {
        "s3.ListObjectsV2": (Need("s3:ListBucket", Kind.BUCKET),),
        "s3.GetObject": _READ,
        "s3.HeadObject": _READ,
        "s3.PutObject": _WRITE,
        "s3.CreateMultipartUpload": _WRITE,
        "s3.UploadPart": _WRITE,
        "s3.CompleteMultipartUpload": _WRITE,
        "s3.AbortMultipartUpload": (Need("s3:AbortMultipartUpload", Kind.OBJECTS),),
        "s3.DeleteObject": _REMOVE,
        "s3.DeleteObjects": _REMOVE,
        "bedrock.CreateModelInvocationJob": (
            Need("bedrock:CreateModelInvocationJob", Kind.MODEL),
            Need("bedrock:CreateModelInvocationJob", Kind.JOBS),
            Need("bedrock:TagResource", Kind.JOBS),
            Need("iam:PassRole", Kind.PASSED_ROLE),
        ),
        "bedrock.GetModelInvocationJob": (Need("bedrock:GetModelInvocationJob", Kind.JOBS),),
        "bedrock.StopModelInvocationJob": (Need("bedrock:StopModelInvocationJob", Kind.JOBS),),
        "bedrock.ListModelInvocationJobs": (Need("bedrock:ListModelInvocationJobs", Kind.ALL),),
        "bedrock.GetFoundationModel": (Need("bedrock:GetFoundationModel", Kind.MODEL),),
        "bedrock.GetFoundationModelAvailability": (Need("bedrock:GetFoundationModelAvailability", Kind.ALL),),
        "bedrock-runtime.InvokeModel": (Need("bedrock:InvokeModel", Kind.MODEL),),
        "s3vectors.CreateVectorBucket": (Need("s3vectors:CreateVectorBucket", Kind.VECTOR_BUCKET),),
        "s3vectors.GetVectorBucket": (Need("s3vectors:GetVectorBucket", Kind.VECTOR_BUCKET),),
        "s3vectors.CreateIndex": (
            Need("s3vectors:CreateIndex", Kind.INDEX),
            Need("s3vectors:TagResource", Kind.INDEX),
        ),
        "s3vectors.GetIndex": (Need("s3vectors:GetIndex", Kind.INDEX),),
        "s3vectors.ListTagsForResource": (Need("s3vectors:ListTagsForResource", Kind.INDEX),),
        "s3vectors.TagResource": (Need("s3vectors:TagResource", Kind.INDEX),),
        "s3vectors.PutVectors": (Need("s3vectors:PutVectors", Kind.INDEX),),
        "s3vectors.GetVectors": (_METADATA,),
        "s3vectors.DeleteVectors": (Need("s3vectors:DeleteVectors", Kind.INDEX),),
        "s3vectors.ListVectors": (Need("s3vectors:ListVectors", Kind.INDEX), _METADATA),
        "s3vectors.QueryVectors": (Need("s3vectors:QueryVectors", Kind.INDEX), _METADATA),
        "sqs.ReceiveMessage": (Need("sqs:ReceiveMessage", Kind.QUEUE),),
        "sqs.DeleteMessageBatch": (Need("sqs:DeleteMessage", Kind.QUEUE),),
        "sns.Publish": (Need("sns:Publish", Kind.TOPIC),),
        "iam.GetRole": (Need("iam:GetRole", Kind.ROLE),),
        "iam.SimulatePrincipalPolicy": (Need("iam:SimulatePrincipalPolicy", Kind.CALLER),),
        "sts.GetCallerIdentity": (),
    }
)
"""By `<service>.<operation>` as boto3 names them; what each call of this project needs with the parameters it has."""
