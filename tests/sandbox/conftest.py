"""A sandbox whose clock stands still, and batch jobs in it."""

import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from batch_assets.sandbox.server import start
from tests.conftest import Aws

MODEL_ID = "amazon.nova-2-multimodal-embeddings-v1:0"
FOLDER = "photos/2024/01/02"
DIMENSION = 256


@pytest.fixture(scope="session")
def frozen() -> Iterator[Aws]:
    """Give clients of a sandbox in which time moves by ``advance`` alone."""
    with start(speed=0) as running:
        yield Aws(running)


@pytest.fixture
def batch(frozen: Aws) -> Iterator["Batch"]:
    """Give a new bucket for batch jobs; fault rules end with the test, and so do its jobs."""
    jobs = Batch(frozen, frozen.new_bucket("photos"))
    yield jobs
    frozen.control("faults", method="DELETE")
    jobs.stop_all()


def picture(image_format: str = "jpeg", *, colour: str = "red") -> bytes:
    """Return a small picture."""
    target = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(target, image_format)
    return target.getvalue()


def text_input(text: str = "red", /, **changes: Any) -> dict[str, Any]:
    """Return the body that embeds a text; ``changes`` replace members of its parameters."""
    parameters = {
        "embeddingPurpose": "GENERIC_INDEX",
        "embeddingDimension": DIMENSION,
        "text": {"truncationMode": "END", "value": text},
    }
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": parameters | changes}


def image_input(uri: str, image_format: str = "jpeg") -> dict[str, Any]:
    """Return the body that embeds a picture in S3."""
    body = text_input(image={"format": image_format, "source": {"s3Location": {"uri": uri}}})
    del body["singleEmbeddingParams"]["text"]
    return body


def text_records(count: int = 100) -> list[dict[str, Any]]:
    """Return records that all succeed."""
    return [{"recordId": f"R{number:06}", "modelInput": text_input(f"text {number}")} for number in range(count)]


@dataclass
class Batch:
    """Batch jobs that read one folder of a bucket and write beside it."""

    aws: Aws
    bucket: str

    def put(self, key: str, body: bytes) -> str:
        """Store an object in the input folder and return its URI."""
        self.aws.s3.put_object(Bucket=self.bucket, Key=f"{FOLDER}/{key}", Body=body)
        return f"s3://{self.bucket}/{FOLDER}/{key}"

    def put_records(self, records: list[dict[str, Any]], name: str = "input.jsonl") -> None:
        """Store an input file."""
        self.put(name, "".join(f"{json.dumps(record)}\n" for record in records).encode())

    def request(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of CreateModelInvocationJob, some of them changed."""
        return {
            "jobName": f"job-{uuid.uuid4().hex[:8]}",
            "roleArn": self.aws.role_arn,
            "modelId": MODEL_ID,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{self.bucket}/{FOLDER}/"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{self.bucket}/results/"}},
        } | changes

    def submit(self, **changes: Any) -> str:
        """Create a job and return its ARN."""
        return str(self.aws.bedrock.create_model_invocation_job(**self.request(**changes))["jobArn"])

    def get(self, arn: str) -> Any:
        """Describe a job."""
        return self.aws.bedrock.get_model_invocation_job(jobIdentifier=arn)

    def run(self, records: list[dict[str, Any]] | None = None, **changes: Any) -> Any:
        """Submit a job, let its time pass, and return how it ended."""
        if records is not None:
            self.put_records(records)
        arn = self.submit(**changes)
        self.aws.advance(1800)
        return self.aws.wait_for_job(arn, "Completed", "Failed")

    def fault(self, **rule: Any) -> None:
        """Make the jobs of this test go wrong."""
        self.aws.control("faults", [rule])

    def output_text(self, arn: str, name: str = "input.jsonl.out") -> bytes:
        """Return an output file."""
        return self.aws.s3.get_object(Bucket=self.bucket, Key=f"results/{arn[-12:]}/{name}")["Body"].read()

    def output(self, arn: str, name: str = "input.jsonl.out") -> list[dict[str, Any]]:
        """Return the lines of an output file."""
        return [json.loads(line) for line in self.output_text(arn, name).splitlines()]

    def output_names(self, arn: str) -> list[str]:
        """Name the files that a job wrote, below its folder."""
        folder = f"results/{arn[-12:]}/"
        listed = self.aws.s3.list_objects_v2(Bucket=self.bucket, Prefix=folder).get("Contents", [])
        return [entry["Key"].removeprefix(folder) for entry in listed]

    def stop_all(self) -> None:
        """End the live jobs of this bucket."""
        pages = self.aws.bedrock.get_paginator("list_model_invocation_jobs").paginate()
        jobs = [job for page in pages for job in page["invocationJobSummaries"]]
        for job in jobs:
            if job["status"] in ("Submitted", "Validating", "Scheduled", "InProgress"):
                self.aws.bedrock.stop_model_invocation_job(jobIdentifier=job["jobArn"])
        self.aws.advance(60)
