"""Requests of people that the next plan of a partition takes up: one small JSON object each, beside the tables."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batch_assets.storage.objects import S3Address, explained
from batch_assets.storage.tables import Tables


@dataclass(frozen=True)
class RetryRequest:
    """Send refused pictures again: these keys, or all of the partition, whose hold is lifted too."""

    keys: tuple[str, ...] | None
    address: S3Address


def request_retry(tables: Tables, partition: str, keys: Sequence[str] | None) -> RetryRequest:
    """Leave a request for the next plan of a partition."""
    folder = tables.folder("retry_requests", partition)
    request = RetryRequest(
        tuple(keys) if keys is not None else None, S3Address(folder.bucket, f"{folder.key}{uuid.uuid4().hex}.json")
    )
    body = json.dumps({"keys": request.keys}).encode()
    with explained(request.address.uri):
        tables.client.put_object(Bucket=folder.bucket, Key=request.address.key, Body=body)
    return request


def retry_requests(tables: Tables, partition: str) -> list[RetryRequest]:
    """The requests that no plan has taken up yet."""
    folder = tables.folder("retry_requests", partition)
    with explained(folder.uri):
        pages = tables.client.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key)
        found = [S3Address(folder.bucket, entry["Key"]) for page in pages for entry in page.get("Contents", [])]
        return [_read(tables.client, address) for address in found]


def remove(tables: Tables, requests: Sequence[RetryRequest]) -> None:
    """Forget requests that were taken up."""
    for request in requests:
        with explained(request.address.uri):
            tables.client.delete_object(Bucket=request.address.bucket, Key=request.address.key)


def _read(client: Any, address: S3Address) -> RetryRequest:
    keys = json.loads(client.get_object(Bucket=address.bucket, Key=address.key)["Body"].read())["keys"]
    return RetryRequest(tuple(keys) if keys is not None else None, address)
