"""Jobs that a person has written off, for their output is gone for good: a small object each, beside the tables.

A write-off names one job, so it is never taken back: nothing else is read by it.
"""

import json

from batch_assets.storage.objects import ABSENT, S3Address, explained, version
from batch_assets.storage.tables import Tables


def write_off(tables: Tables, partition: str, job_name: str) -> S3Address:
    """Let the next load of the partition take the output of this job for what is there, be it nothing."""
    address = _address(tables, partition, job_name)
    with explained(address.uri):
        body = json.dumps({"job_name": job_name}).encode()
        tables.client.put_object(Bucket=address.bucket, Key=address.key, Body=body)
    return address


def is_written_off(tables: Tables, partition: str, job_name: str) -> bool:
    """Whether a person has written this job off. Raises `SourceError` when S3 does not say."""
    address = _address(tables, partition, job_name)
    with explained(address.uri):
        return version(tables.client, address) != ABSENT


def _address(tables: Tables, partition: str, job_name: str) -> S3Address:
    folder = tables.folder("write_offs", partition)
    return S3Address(folder.bucket, f"{folder.key}{job_name}.json")
