"""The vector of one key, as the index has it."""

from typing import TYPE_CHECKING

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray

from batch_assets.errors import SearchError

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient


def stored_vector(client: "S3VectorsClient", *, bucket: str, index: str, key: str) -> NDArray[np.float32]:
    """Shape (d,): what a search for pictures like this one is asked with. Needs s3vectors:GetVectors.

    Raises:
        SearchError: If the index does not exist or has no such key, or the service refuses.
    """
    where = f"index {index!r} of vector bucket {bucket!r}"
    try:
        found = client.get_vectors(vectorBucketName=bucket, indexName=index, keys=[key], returnData=True)["vectors"]
    except client.exceptions.NotFoundException as error:
        raise SearchError(f"{where} does not exist: load a partition first") from error
    except ClientError as error:
        raise SearchError(f"cannot read from {where}: {error}") from error
    if not found:
        raise SearchError(f"{where} has no vector of {key!r}: name the whole S3 key of a picture that is loaded")
    return np.array(found[0]["data"]["float32"], np.float32)
