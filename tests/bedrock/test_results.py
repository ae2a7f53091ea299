"""What a line of a job's output says."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from batch_assets.bedrock.results import (
    Embedded,
    Outcome,
    Refused,
    Unreadable,
    outcome_parser,
)

DIMENSION = 4


def line(record_id: Any = "r1", embedding: Any = (0.5, -1, 2e-3, 4), **changes: Any) -> bytes:
    """An output line as Bedrock writes it, the request echoed."""
    body = {
        "recordId": record_id,
        "modelInput": {"taskType": "SINGLE_EMBEDDING"},
        "modelOutput": {"embeddings": [{"embeddingType": "IMAGE", "embedding": embedding}]},
        **changes,
    }
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def error_line(code: Any, message: str = "Invalid image", record_id: str = "r1") -> bytes:
    return line(record_id, modelOutput=..., error={"errorCode": code, "errorMessage": message})


def parsed(text: bytes) -> Outcome:
    return outcome_parser(DIMENSION)(text)


def refused_code(text: bytes) -> str:
    outcome = parsed(text)
    assert isinstance(outcome, Refused)
    return outcome.code


@given(npst.arrays(np.float32, DIMENSION, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
@settings(deadline=None)
def test_a_vector_comes_back_as_it_was_written(vector: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Bit by bit, for every finite float32."""
    outcome = parsed(line(embedding=vector.astype(float).tolist()))
    if vector.any():
        assert isinstance(outcome, Embedded)
        assert outcome.vector.dtype == np.float32
        np.testing.assert_array_equal(outcome.vector, vector)
    else:
        assert isinstance(outcome, Refused)


def test_vectors_stay_when_the_parser_goes_on() -> None:
    """Outcomes do not share memory with the line that comes after them."""
    parse = outcome_parser(DIMENSION)
    first = parse(line(embedding=[1, 2, 3, 4]))
    parse(line(embedding=[5, 6, 7, 8]))
    assert isinstance(first, Embedded)
    assert first.vector.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("code", "retryable"), [(400, False), (403, False), (408, True), (429, True), (500, True), (503, True), ("x", True)]
)
def test_an_error_line_is_a_refusal(code: Any, retryable: bool) -> None:
    """Errors of the server and throttling may be tried again, errors of the picture not."""
    assert parsed(error_line(code)) == Refused("r1", str(code), "Invalid image", retryable)


def test_a_windows_line_end_does_no_harm() -> None:
    """Nor does white space around a line."""
    assert isinstance(parsed(line() + b"\r"), Embedded)


def test_a_null_error_is_no_error() -> None:
    """A service that always writes the field refuses nothing by it."""
    assert isinstance(parsed(line(error=None)), Embedded)


@pytest.mark.parametrize("error", ["broken", ["broken"], 7, {}, {"errorCode": None}])
def test_an_error_of_another_shape_is_a_retryable_refusal(error: Any) -> None:
    """It is counted, and stops nothing."""
    outcome = parsed(line(modelOutput=..., error=error))
    assert isinstance(outcome, Refused)
    assert outcome.retryable


@pytest.mark.parametrize(
    ("embedding", "code"),
    [
        ([1, 2, 3], "wrong_dimension"),
        ([1, 2, 3, 4, 5], "wrong_dimension"),
        ([], "wrong_dimension"),
        ([0, 0.0, -0.0, 0], "zero_vector"),
        ([1e-60, 0, 0, 0], "zero_vector"),
        ([1, 2, 3, float("nan")], "not_finite"),
        ([1, 2, 3, float("-inf")], "not_finite"),
        ([1, 2, 3, 1e39], "not_finite"),
        ([1, 2, 3, "4"], "no_embedding"),
        ([1, 2, 3, None], "no_embedding"),
        ([1, 2, 3, True], "no_embedding"),
        ([1, 2, 3, 10**400], "no_embedding"),
        ("1234", "no_embedding"),
        (None, "no_embedding"),
        ({"0": 1}, "no_embedding"),
    ],
)
def test_an_unusable_vector_is_a_retryable_refusal(embedding: Any, code: str) -> None:
    """Nothing that the index would refuse gets into the table."""
    outcome = parsed(line(embedding=embedding))
    assert isinstance(outcome, Refused)
    assert (outcome.record_id, outcome.code, outcome.retryable) == ("r1", code, True)


@pytest.mark.parametrize("output", [None, {}, [], {"embeddings": []}, {"embeddings": [{}]}, {"embeddings": {}}, "x"])
def test_output_without_an_embedding_is_a_refusal(output: Any) -> None:
    """A line with a record id always says something about its record."""
    assert refused_code(line(modelOutput=output)) == "no_embedding"


def test_a_line_with_neither_output_nor_error_is_a_refusal() -> None:
    """It may be that the record was not processed."""
    assert refused_code(line(modelOutput=...)) == "no_embedding"


@pytest.mark.parametrize(
    "text",
    [
        line()[:-20],
        line(record_id=...),
        line(record_id=7),
        line(record_id=None),
        line(record_id=["r1"]),
        b"[1]",
        b"null",
        b"7",
        b'"r1"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"recordId":' * 5_000,
    ],
    ids=lambda text: text[:12].decode(errors="replace"),
)
def test_a_line_that_names_no_record_is_unreadable(text: bytes) -> None:
    """Cut off, not JSON, no object, or with an id that is no text."""
    assert isinstance(parsed(text), Unreadable)


def test_a_vector_goes_where_it_is_wanted() -> None:
    """Into a row of an array that is there already, without another copy."""
    rows = np.zeros((2, DIMENSION), np.float32)
    outcome = outcome_parser(DIMENSION)(line(embedding=[1, 2, 3, 4]), rows[1])
    assert isinstance(outcome, Embedded)
    assert rows.tolist() == [[0, 0, 0, 0], [1, 2, 3, 4]]


@pytest.mark.parametrize("fields", [{}, {"modelInput": ...}, {"more": 1}, {"modelInput": ..., "more": 1, "most": 2}])
def test_an_error_counts_whatever_stands_beside_it(fields: dict[str, Any]) -> None:
    """Also a vector."""
    outcome = parsed(line(error={"errorCode": 500}, **fields))
    assert isinstance(outcome, Refused)
    assert outcome.code == "500"


def test_a_parser_goes_on_after_bad_lines() -> None:
    """None of them stops the rest."""
    parse = outcome_parser(DIMENSION)
    bad = [b"{", line(embedding=[1, 2, 3, "4"]), line(error="x"), line(embedding=[float("nan")] * 4), error_line(500)]
    for text in bad * 3:
        assert not isinstance(parse(text), Embedded)
        assert isinstance(parse(line()), Embedded)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_line_stops_the_reading(text: bytes) -> None:
    """Any bytes are an outcome."""
    assert isinstance(parsed(text), Embedded | Refused | Unreadable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values, json_values)
@settings(deadline=None)
def test_no_shape_of_a_record_stops_the_reading(record_id: Any, output: Any, error: Any) -> None:
    """Any JSON in the three fields is an outcome, and a text id is kept."""
    outcome = parsed(line(record_id, modelOutput=output, error=error))
    if isinstance(record_id, str):
        assert isinstance(outcome, Embedded | Refused)
        assert outcome.record_id == record_id
    else:
        assert isinstance(outcome, Unreadable)
