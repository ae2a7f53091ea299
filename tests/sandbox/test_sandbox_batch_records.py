"""What is wrong with single records, and what comes out of good ones."""

import base64
import re
from typing import Any

import numpy as np
import orjson
import pytest

from batch_assets.sandbox.bedrock.records import EmbeddingRequest, RecordError, S3Object, parse_body
from tests.sandbox.conftest import DIMENSION, Batch, image_input, picture, text_input, text_records

FILLER = 95


@pytest.fixture(scope="module")
def outcome(frozen: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Run one job of good and bad pictures; return its end and its lines by record id."""
    batch = Batch(frozen, frozen.new_bucket("photos"))
    uris = {
        "good": batch.put("red.jpg", picture()),
        "good_png": batch.put("sub/blue.png", picture("png", colour="blue")),
        "text_named_jpg": batch.put("text.jpg", b"this is no picture"),
        "empty": batch.put("empty.jpg", b""),
        "cut": batch.put("cut.jpg", picture()[:300]),
        "missing": f"s3://{batch.bucket}/photos/2024/01/02/missing.jpg",
        "outside_folder": f"s3://{batch.bucket}/elsewhere.jpg",
        "sibling_folder": f"s3://{batch.bucket}/photos/2024/01/022/x.jpg",
        "other_bucket": "s3://another-bucket/photos/2024/01/02/red.jpg",
        "too_large": batch.put("large.jpg", picture() + bytes(50 * 1024 * 1024)),
    }
    for key in ("elsewhere.jpg", "photos/2024/01/022/x.jpg"):
        batch.aws.s3.put_object(Bucket=batch.bucket, Key=key, Body=picture())
    records = [{"recordId": name, "modelInput": image_input(uri)} for name, uri in uris.items() if name != "good_png"]
    records += [
        {"recordId": "good_png", "modelInput": image_input(uris["good_png"], "png")},
        {"recordId": "wrong_format", "modelInput": image_input(uris["good"], "png")},
        {"recordId": "jpg", "modelInput": image_input(uris["good"], "jpg")},
        {"recordId": "no_input"},
        {"modelInput": text_input()},
    ]
    ended = batch.run(records + text_records(FILLER))
    lines = batch.output(ended["jobArn"])
    return ended, {line["recordId"]: line for line in lines}


def test_bad_records_do_not_fail_the_job(outcome: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """The job is Completed; its counters tell good from bad."""
    ended, lines = outcome
    errors = sum("error" in line for line in lines.values())
    assert ended["status"] == "Completed"
    assert errors == 11
    assert ended["errorRecordCount"] == errors
    assert ended["successRecordCount"] == len(lines) - errors
    assert ended["totalRecordCount"] == ended["processedRecordCount"] == len(lines)


@pytest.mark.parametrize(
    ("record_id", "message"),
    [
        ("text_named_jpg", "could not be processed"),
        ("empty", "could not be processed"),
        ("cut", "could not be processed"),
        ("missing", "does not exist or cannot be accessed"),
        ("outside_folder", "must be in the bucket and under the folder"),
        ("sibling_folder", "must be in the bucket and under the folder"),
        ("other_bucket", "must be in the bucket and under the folder"),
        ("too_large", "more than the maximum of 52428800"),
        ("wrong_format", "does not match the image, a jpeg"),
        ("jpg", "'jpg' is not one of png, jpeg, gif, webp"),
        ("no_input", "Malformed input request"),
    ],
)
def test_a_bad_record_has_an_error_line(
    outcome: tuple[Any, dict[str, dict[str, Any]]], record_id: str, message: str
) -> None:
    """The error replaces the output, and says what is wrong."""
    line = outcome[1][record_id]
    assert message in line["error"]["errorMessage"]
    assert line["error"]["errorCode"] == 400
    assert "modelOutput" not in line


def test_a_good_picture_has_an_output_line(outcome: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """The line echoes the input and holds one vector of the asked dimension."""
    line = outcome[1]["good_png"]
    assert list(line) == ["recordId", "modelInput", "modelOutput"]
    assert line["modelInput"]["singleEmbeddingParams"]["image"]["format"] == "png"
    (embedding,) = line["modelOutput"]["embeddings"]
    assert embedding["embeddingType"] == "IMAGE"
    assert len(embedding["embedding"]) == DIMENSION


def test_numbers_are_the_shortest_float32_text(outcome: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """Writing the numbers again as float32 gives the same text."""
    values = outcome[1]["good"]["modelOutput"]["embeddings"][0]["embedding"]
    again = orjson.dumps(np.array(values, np.float32), option=orjson.OPT_SERIALIZE_NUMPY)
    assert orjson.loads(again) == values


def test_a_record_without_an_id_gets_one(outcome: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """The made-up id is eleven letters and digits."""
    made_up = [record_id for record_id in outcome[1] if re.fullmatch("[A-Z0-9]{11}", record_id)]
    assert len(made_up) == 1


def body(**changes: Any) -> dict[str, Any]:
    """Return a request without a modality, and with changes."""
    made = text_input(**changes)
    if "text" not in changes:
        del made["singleEmbeddingParams"]["text"]
    return made


IMAGE = {"format": "jpeg", "source": {"bytes": base64.b64encode(b"x").decode()}}
TEXT = {"truncationMode": "NONE", "value": "red"}


@pytest.mark.parametrize(
    ("request_body", "complaint"),
    [
        (None, "expected type: JSONObject"),
        ([], "expected type: JSONObject"),
        ({}, r"required key \[taskType\] not found"),
        ({"taskType": "SEGMENTED_EMBEDDING"}, "taskType"),
        ({"taskType": "SINGLE_EMBEDDING"}, r"required key \[singleEmbeddingParams\]"),
        (text_input() | {"schemaVersion": "v2"}, "schemaVersion"),
        (text_input(embeddingPurpose="SEARCH"), "embeddingPurpose"),
        (text_input(embeddingDimension=512), "embeddingDimension"),
        (text_input(embeddingDimension="1024"), "embeddingDimension"),
        (text_input(embeddingDimension=True), "embeddingDimension"),
        (text_input(embeddingDimension=[256]), "embeddingDimension"),
        (body(), "exactly one of text, image, video, audio must be given, found none"),
        (body(text=TEXT, image=IMAGE), "found text, image"),
        (body(video={"format": "mp4"}), "not video"),
        (body(image=IMAGE | {"format": "jpg"}), "'jpg' is not one of"),
        (body(image=IMAGE | {"format": ["jpeg"]}), "is not one of"),
        (body(image=IMAGE | {"detailLevel": "HIGH"}), "detailLevel"),
        (body(image={"format": "png"}), r"required key \[source\]"),
        (body(image=IMAGE | {"source": {}}), "exactly one of s3Location, bytes"),
        (body(image=IMAGE | {"source": {"bytes": "!"}}), "not base64"),
        (body(image=IMAGE | {"source": {"s3Location": {"uri": "https://b/k"}}}), "is not an S3 URI"),
        (body(image=IMAGE | {"source": {"s3Location": {"uri": "s3://bucket"}}}), "is not an S3 URI"),
        (body(image=IMAGE | {"source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}}}), "not owned"),
        (body(text={"value": "red"}), r"required key \[truncationMode\]"),
        (body(text=TEXT | {"value": ""}), "1 to 8192 characters"),
        (body(text=TEXT | {"value": "x" * 8193}), "1 to 8192 characters"),
        (body(text={"truncationMode": "END"}), "exactly one of value, source"),
    ],
)
def test_a_malformed_request_is_refused_by_its_path(request_body: Any, complaint: str) -> None:
    """Enums, dimension, modalities and sources of the model's schema."""
    with pytest.raises(RecordError, match=complaint):
        parse_body(request_body)


def test_a_well_formed_request_is_understood() -> None:
    """A picture in S3 by its format, dimension and place; the dimension defaults to 3072."""
    parsed = parse_body(image_input("s3://photos/a b/1.jpg"))
    assert parsed == EmbeddingRequest(dimension=DIMENSION, image_format="jpeg", content=S3Object("photos", "a b/1.jpg"))
    made = body(text=TEXT)
    del made["singleEmbeddingParams"]["embeddingDimension"]
    assert parse_body(made) == EmbeddingRequest(dimension=3072, image_format=None, content=b"red")
