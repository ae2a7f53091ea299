"""What S3 Vectors allows, beyond what its service model already states.

Source: "Limitations and restrictions", Amazon S3 User Guide (s3-vectors-limitations), and
"Metadata filtering" (s3-vectors-metadata-filtering). Limits that botocore's model carries
(500 vectors a put, key lengths, dimension) are enforced from the model, not here.
"""

import datetime as dt

VECTOR_BUCKETS_PER_REGION = 10_000
INDEXES_PER_VECTOR_BUCKET = 10_000
TAGS_PER_RESOURCE = 50

METADATA_MAX_BYTES = 40 * 1024
FILTERABLE_METADATA_MAX_BYTES = 2048
METADATA_MAX_KEYS = 50
FILTER_MAX_CONSTRAINTS = 100

TOP_K_MAX = 10_000
QUERY_PAGE_SIZE = 100
QUERY_SESSION_SECONDS = 300.0
LIST_PAGE_DEFAULT = 500
LIST_PAGE_MAX_BYTES = 1_000_000

WRITE_REQUESTS_PER_SECOND = 1_000
WRITE_VECTORS_PER_SECOND = 2_500

ENHANCED_SINCE = dt.datetime(2026, 9, 30, tzinfo=dt.UTC)
"""Vector buckets made from this day on create indexes in ENHANCED mode, and only that."""
