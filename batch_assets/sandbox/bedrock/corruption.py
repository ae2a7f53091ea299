"""Output lines that are not what the service promises, for the records that a rule names."""

import json
import math
from collections.abc import Callable

from batch_assets.sandbox.faults.job_rule import JobFaults

_Vector = list[float]


def corrupted(text: bytes, faults: JobFaults, index: int, record_id: str, *, job_name: str) -> bytes:
    """Return the line of the record at ``index``, spoilt as the rule wants it or as it was."""

    def meant(name: str) -> bool:
        return faults.affects(name, index, record_id, job_name=job_name)

    for name, change in _CHANGES.items():
        if meant(name):
            text = _with_vector(text, change)
    return _garbled(text) if meant("garbled_records") else text


def _with_vector(text: bytes, change: Callable[[_Vector], _Vector]) -> bytes:
    """Change the vector of a line; a line without one stays as it is."""
    line = json.loads(text)
    for embedding in line.get("modelOutput", {}).get("embeddings", []):
        embedding["embedding"] = change(embedding["embedding"])
    return json.dumps(line, separators=(",", ":")).encode()


def _garbled(text: bytes) -> bytes:
    return b"\xff" + text[: len(text) // 2][::-1]


_CHANGES: dict[str, Callable[[_Vector], _Vector]] = {
    "wrong_dimension_records": lambda vector: vector[:-1],
    "nan_records": lambda vector: [math.nan, *vector[1:]],
    "zero_records": lambda vector: [0.0] * len(vector),
}
