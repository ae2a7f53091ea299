"""The project's own exceptions: each message says what is wrong, where, and what to do."""


class BatchAssetsError(Exception):
    """Anything that this project refuses or cannot do.

    `worth_repeating` tells whether the same step may succeed if it is simply run again.
    """

    worth_repeating = False


class SettingsError(BatchAssetsError):
    """One or more settings are wrong; the message lists every one of them."""


class PartitionError(BatchAssetsError):
    """A partition key or prefix does not belong to the prefix template."""


class SourceError(BatchAssetsError):
    """The source bucket cannot be listed or read."""


class ServiceError(SourceError):
    """A service did not answer as it should, for a reason that may pass."""

    worth_repeating = True


class TableError(BatchAssetsError):
    """A table in S3 is missing or unreadable."""


class TableChangedError(TableError):
    """A table was written by somebody else meanwhile; nothing of theirs was overwritten."""

    worth_repeating = True


class JobError(BatchAssetsError):
    """A batch job cannot be created, found or read."""


class ResultError(BatchAssetsError):
    """A job's output cannot be joined with the manifest that was submitted."""


class VectorIndexError(BatchAssetsError):
    """The vector index does not fit, or refuses what is written to it."""


class SearchError(BatchAssetsError):
    """A search request that cannot be answered."""
