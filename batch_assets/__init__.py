"""Pictures under date prefixes in S3, embedded in bulk by Amazon Bedrock, searchable in S3 Vectors."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch_assets.notebook.dataset import EmbeddingDataset

__all__ = ["EmbeddingDataset"]


def __getattr__(name: str) -> Any:
    """Import what notebooks use when it is asked for: every run and every command imports this package."""
    if name == "EmbeddingDataset":
        from batch_assets.notebook.dataset import EmbeddingDataset  # noqa: PLC0415 see above

        return EmbeddingDataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
