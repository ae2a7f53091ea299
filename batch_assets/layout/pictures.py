"""Which keys name pictures that a model takes."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from batch_assets.spaces import EmbeddingModel


def pictures(keys: Iterable[str], model: EmbeddingModel) -> list[str]:
    """The keys whose extension, in any case, is one of the model's formats."""
    return [key for key in keys if PurePosixPath(key).suffix.lower().removeprefix(".") in model.formats]
