"""What a job's output says: files of lines, each one record embedded or refused.

`<output folder>/<job id>/<input name>.jsonl.out` holds a line per record in no particular order; a failed record has
`error` in place of `modelOutput`. Source: Amazon Bedrock user guide, "View the results of a batch inference job".
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

OUTPUT_SUFFIX = ".jsonl.out"

_THROTTLED = 429
_REQUEST_TIMEOUT = 408
_SERVER_ERRORS = 500
_SMALL, _LARGE = 1e-30, 1e30  # squared lengths well inside what float32 holds
_USUAL_FIELDS = 3
_VECTOR = "/modelOutput/embeddings/0/embedding"


Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """A record with its vector: float32, of the space's dimension, finite and not zero."""

    record_id: str
    vector: Vector


@dataclass(frozen=True)
class Refused:
    """A record without a usable vector. `retryable`: sending it again may help."""

    record_id: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True)
class Unreadable:
    """A line that is no record, for example one that was cut off."""

    text: str


Outcome = Embedded | Refused | Unreadable


@dataclass(frozen=True)
class OutputFile:
    """One version of an output file; `etag` as S3 gives it, with its quotes."""

    bucket: str
    key: str
    etag: str
    size_bytes: int


def output_files(s3: Any, bucket: str, prefix: str) -> list[OutputFile]:
    """A job's output files, sorted by key; `manifest.json.out` is not one of them."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    files = [
        OutputFile(bucket, entry["Key"], entry["ETag"], entry["Size"])
        for page in pages
        for entry in page.get("Contents", [])
        if entry["Key"].endswith(OUTPUT_SUFFIX)
    ]
    return sorted(files, key=lambda file: file.key)


def outcome_parser(dimension: int) -> Callable[..., Outcome]:
    """A function from an output line to its outcome; the vector goes into the array that is handed over, if any."""
    parser = simdjson.Parser()

    def parse(line: bytes, row: Vector | None = None) -> Outcome:
        nonlocal parser
        row = np.empty(dimension, np.float32) if row is None else row
        try:
            return _parse(parser, line, row)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError):
            # A parser that failed may still be referenced by what it made, and refuses to be used again.
            parser = simdjson.Parser()
            return _parse_leniently(line, row)

    return parse


def _parse(parser: Any, line: bytes, row: Vector) -> Outcome:
    document = parser.parse(line)
    record_id = document["recordId"]
    if not isinstance(record_id, str):
        raise TypeError("recordId is no string")
    # To ask for a field that is missing is dear (an exception), and most lines have these three and no other.
    usual = len(document) == _USUAL_FIELDS and "modelInput" in document and "modelOutput" in document
    error = None if usual else document.get("error")
    if error is not None:
        return _refused(record_id, error.as_dict())
    buffer = document.at_pointer(_VECTOR).as_buffer(of_type="d")
    return _embedded(record_id, np.frombuffer(buffer, dtype=np.float64), row)


def _parse_leniently(line: bytes, row: Vector) -> Outcome:
    """For lines that strict JSON refuses: NaN, numbers as text, a shape of their own."""
    try:
        document = json.loads(line)
        record_id = document["recordId"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unreadable(line[:200].decode(errors="replace"))
    if not isinstance(record_id, str):
        return Unreadable(line[:200].decode(errors="replace"))
    if document.get("error") is not None:
        return _refused(record_id, document["error"])
    try:
        values = document["modelOutput"]["embeddings"][0]["embedding"]
        vector = np.array([_number(value) for value in values], dtype=np.float64)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return Refused(record_id, "no_embedding", "the line has neither an error nor a vector of numbers", True)
    return _embedded(record_id, vector, row)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _embedded(record_id: str, values: NDArray[np.float64], row: Vector) -> Outcome:
    if values.shape != row.shape:
        message = f"the vector has shape {values.shape}, expected {row.shape}"
        return Refused(record_id, "wrong_dimension", message, True)
    # One pass tells the usual case: no NaN, no infinity, nothing that float32 cannot hold, and not zero.
    if _SMALL < np.dot(values, values) < _LARGE:
        row[:] = values
        return Embedded(record_id, row)
    with np.errstate(over="ignore"):
        row[:] = values
    if not np.isfinite(row).all():
        return Refused(record_id, "not_finite", "the vector holds NaN or infinity", True)
    if not row.any():
        return Refused(record_id, "zero_vector", "the vector is zero, which has no direction", True)
    return Embedded(record_id, row)


def _refused(record_id: str, error: Any) -> Refused:
    if not isinstance(error, dict):
        return Refused(record_id, "unknown", str(error), True)
    code = error.get("errorCode", "unknown")
    retryable = not isinstance(code, int) or code in {_THROTTLED, _REQUEST_TIMEOUT} or code >= _SERVER_ERRORS
    return Refused(record_id, str(code), str(error.get("errorMessage", "")), retryable)
