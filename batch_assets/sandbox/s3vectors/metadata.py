"""What may be attached to a vector: types, sizes and number of keys."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3vectors import limits


def invalid_record(key: str, reason: str) -> ModelledError:
    """Build the refusal of one vector of a PutVectors call, worded as the service words it."""
    return validation_error(f"Invalid record for key '{key}': {reason}", path="/vectors")


def check_metadata(key: str, metadata: Mapping[str, Any], *, non_filterable: Collection[str]) -> int:
    """Refuse metadata that the service refuses; return its size in bytes.

    How AWS counts the bytes is not documented; here they are those of compact JSON in UTF-8.

    Args:
        key: The vector's key, for the message.
        metadata: The parsed JSON document.
        non_filterable: Keys that the index declared non-filterable.
    """
    if not isinstance(metadata, Mapping):
        raise invalid_record(key, "Metadata must be a JSON object")
    if len(metadata) > limits.METADATA_MAX_KEYS:
        raise invalid_record(key, f"Metadata object must have at most {limits.METADATA_MAX_KEYS} keys")
    for name, value in metadata.items():
        if not _is_allowed(value):
            raise invalid_record(
                key, f"Metadata value of key '{name}' must be a string, number, boolean or a list of these"
            )
    size_bytes = _json_bytes(metadata)
    if size_bytes > limits.METADATA_MAX_BYTES:
        raise invalid_record(key, f"Total metadata must have at most {limits.METADATA_MAX_BYTES} bytes")
    if size_bytes > limits.FILTERABLE_METADATA_MAX_BYTES:
        filterable = {name: value for name, value in metadata.items() if name not in non_filterable}
        if _json_bytes(filterable) > limits.FILTERABLE_METADATA_MAX_BYTES:
            maximum = limits.FILTERABLE_METADATA_MAX_BYTES
            raise invalid_record(key, f"Filterable metadata must have at most {maximum} bytes")
    return size_bytes


def _is_allowed(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(element, str | int | float) for element in value)
    return isinstance(value, str | int | float)


def _json_bytes(metadata: Mapping[str, Any]) -> int:
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))
