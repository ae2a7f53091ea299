"""A query vector as text that fits into an address: its direction, a signed byte for each number."""

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from batch_assets.gallery.refusal import wrong_input

_LARGEST = 127


def encoded(vector: NDArray[np.float32]) -> str:
    """Base64url, without padding, of the vector's numbers as shares of the largest; the length is lost."""
    shares = vector / np.abs(vector).max()
    return base64.urlsafe_b64encode(np.rint(shares * _LARGEST).astype(np.int8).tobytes()).rstrip(b"=").decode()


def decoded(text: str, *, dimension: int) -> NDArray[np.float32]:
    """The unit vector, shape (dimension,). Raises `RequestError` for what `encoded` does not give."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_input("vector is no base64url text: use the address that the page gave") from error
    values = np.frombuffer(data, np.int8).astype(np.float32)
    if values.shape != (dimension,) or not values.any():
        raise wrong_input(f"vector has {values.size} numbers, not {dimension} that are not all zero")
    unit: NDArray[np.float32] = values / np.linalg.norm(values)
    return unit
