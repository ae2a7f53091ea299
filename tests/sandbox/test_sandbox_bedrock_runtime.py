"""InvokeModel embeds one text or picture at once."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Aws
from tests.sandbox.conftest import MODEL_ID, image_input, picture, text_input


def invoke(aws: Aws, body: Any, model_id: str = MODEL_ID) -> Any:
    """Return the model's answer."""
    response = aws.bedrock_runtime.invoke_model(modelId=model_id, body=json.dumps(body))
    assert response["contentType"] == "application/json"
    return json.load(response["body"])


def inline(image_format: str = "jpeg") -> dict[str, Any]:
    """Return the body that embeds a picture which it holds."""
    body = image_input("s3://none/none", image_format)
    body["singleEmbeddingParams"]["image"]["source"] = {"bytes": base64.b64encode(picture(image_format)).decode()}
    return body


@pytest.mark.parametrize("dimension", [256, 384, 1024, 3072])
def test_a_text_is_embedded_in_each_dimension(aws: Aws, dimension: int) -> None:
    """One finite vector of the asked length."""
    (embedding,) = invoke(aws, text_input("blue", embeddingDimension=dimension))["embeddings"]
    assert embedding["embeddingType"] == "TEXT"
    assert len(embedding["embedding"]) == dimension
    assert np.isfinite(embedding["embedding"]).all()


@pytest.mark.parametrize("image_format", ["jpeg", "png", "gif", "webp"])
def test_a_picture_is_embedded_from_its_bytes(aws: Aws, image_format: str) -> None:
    """Each format of the model."""
    (embedding,) = invoke(aws, inline(image_format))["embeddings"]
    assert embedding["embeddingType"] == "IMAGE"


def test_a_picture_in_s3_gives_the_same_vector_as_its_bytes(aws: Aws) -> None:
    """Where it lies does not matter; any bucket will do."""
    bucket = aws.new_bucket()
    aws.s3.put_object(Bucket=bucket, Key="a b.jpg", Body=picture())
    assert invoke(aws, image_input(f"s3://{bucket}/a b.jpg")) == invoke(aws, inline())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Malformed input request: #: required key [taskType] not found"),
        (text_input(embeddingDimension=7), "Malformed input request: #/singleEmbeddingParams/embeddingDimension"),
        (inline() | {"taskType": "SEGMENTED_EMBEDDING"}, "Malformed input request: #/taskType"),
        (image_input("s3://none-such/x.jpg"), "does not exist or cannot be accessed"),
    ],
)
def test_a_bad_body_is_a_validation_error(aws: Aws, body: Any, message: str) -> None:
    """The text says where it is wrong."""
    with pytest.raises(ClientError) as caught:
        invoke(aws, body)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert message in error["Message"]


def test_a_body_that_is_no_json_is_a_validation_error(aws: Aws) -> None:
    """It does not reach the schema."""
    with pytest.raises(ClientError, match="Malformed input request"):
        aws.bedrock_runtime.invoke_model(modelId=MODEL_ID, body=b"{")


def test_another_model_is_unknown(aws: Aws) -> None:
    """The sandbox has one model."""
    with pytest.raises(ClientError, match="The provided model identifier is invalid"):
        invoke(aws, text_input(), "amazon.titan-embed-image-v1")
