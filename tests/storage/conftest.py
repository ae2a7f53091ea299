"""Tables in a bucket of their own."""

import pytest

from batch_assets.partitions import IndexNames, PrefixTemplate
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from tests.conftest import Aws


@pytest.fixture
def tables(aws: Aws) -> Tables:
    """Give the tables of one space and index, below a folder of a new bucket."""
    indexes = IndexNames("nova-256", PrefixTemplate("photos/%Y/%m/%d/"))
    catalog = Catalog("nova--256--generic-index", "vectors", indexes)
    return Tables(aws.s3, S3Address(aws.new_bucket("tables"), "batch-assets/tables/"), catalog)
