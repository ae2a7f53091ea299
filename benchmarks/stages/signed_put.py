"""PutVectors without boto3: a body by orjson, signed by hand (SigV4), sent by urllib3: the least a client can do."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import urllib3
from numpy.typing import NDArray

_REGION, _SERVICE = "us-east-1", "s3vectors"
_KEY, _SECRET = "benchmark", "benchmark"
_OK = 200


class SignedPut:
    """Puts blocks over one connection, without validation, retries or error parsing."""

    def __init__(self, address: str) -> None:
        """Open a pool for one address, such as ``http://127.0.0.1:5000``."""
        self._host = urlsplit(address).netloc
        self._pool = urllib3.connection_from_url(address, maxsize=1, retries=False)

    def __call__(
        self, bucket: str, index: str, keys: Sequence[str], rows: NDArray[np.float32], documents: Sequence[Any]
    ) -> None:
        """Send one call.

        Raises:
            RuntimeError: If it is refused.
        """
        vectors = [
            {"key": key, "data": {"float32": row}, "metadata": document}
            for key, row, document in zip(keys, rows, documents, strict=True)
        ]
        request = {"vectorBucketName": bucket, "indexName": index, "vectors": vectors}
        body = orjson.dumps(request, option=orjson.OPT_SERIALIZE_NUMPY)
        answer = self._pool.urlopen("POST", "/PutVectors", body=body, headers=self._headers(body))
        if answer.status != _OK:
            raise RuntimeError(f"{answer.status}: {answer.data!r}")

    def _headers(self, body: bytes) -> Mapping[str, str]:
        """Return the signed headers ("Create a signed AWS API request", IAM User Guide)."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {
            "content-type": "application/json",
            "host": self._host,
            "x-amz-content-sha256": digest,
            "x-amz-date": moment,
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"POST\n/PutVectors\n\n{lines}\n{names}\n{digest}"
        scope = f"{moment[:8]}/{_REGION}/{_SERVICE}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(_signing_key(moment[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"AWS4-HMAC-SHA256 Credential={_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
        return signed | {"authorization": credential}


def _signing_key(day: str) -> bytes:
    key = f"AWS4{_SECRET}".encode()
    for part in (day, _REGION, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
