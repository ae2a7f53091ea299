"""Moto's S3 as a WSGI application, exact for odd keys and for conditional writes.

Moto's URL routes miss newlines and its conditions are checked apart from the writes they guard.
Here a request is matched by a harmless path while moto reads the key from the undecoded one, and
a condition and its write happen under one lock for the key.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_server.werkzeug_app import create_backend_app

from batch_assets.sandbox.config import ACCOUNT_ID
from batch_assets.sandbox.s3_listing import InvalidContinuationTokenError, list_objects
from batch_assets.sandbox.s3_store import ObjectStore, stream_range

KEY_MAX_BYTES = 1024
_STREAM_FROM_BYTES = 1 << 20
_PLAIN_LISTING = {
    "list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "continuation-token",
    "encoding-type", "fetch-owner", "x-id",
}  # fmt: skip
_SIGNATURE_PARAMETER = "x-amz-"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class S3Bridge:
    """The WSGI application for S3; reads the undecoded path from ``environ["asgi.scope"]``."""

    def __init__(self, store: ObjectStore) -> None:
        """Build moto's application around its in-memory backend."""
        self._store = store
        self._moto = create_backend_app("s3")
        self._moto.debug = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        raw_path = environ["asgi.scope"]["raw_path"].decode("latin-1")
        bucket, _, raw_key = raw_path.lstrip("/").partition("/")
        key = unquote(raw_key)
        query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        _prepare(environ, raw_path, bucket, has_key=bool(raw_key))
        if len(key.encode()) > KEY_MAX_BYTES:
            return _error(start_response, 400, "KeyTooLongError", "Your key is too long")
        if environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", ACCOUNT_ID) != ACCOUNT_ID:
            return _error(start_response, 403, "AccessDenied", "Access Denied")
        method = environ["REQUEST_METHOD"]
        if not raw_key and method == "GET" and self._is_listing(bucket, query):
            return self._list(bucket, query, start_response)
        if raw_key and method in ("GET", "HEAD"):
            return self._read(environ, start_response, bucket, key, is_plain=not _subresources(query))
        return self._change(environ, start_response, bucket, key, query)

    def _is_listing(self, bucket: str, query: dict[str, str]) -> bool:
        return self._store.has_bucket(bucket) and _subresources(query) <= _PLAIN_LISTING

    def _list(self, bucket: str, query: dict[str, str], start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = list_objects(self._store, bucket, query)
        except InvalidContinuationTokenError:
            return _error(start_response, 400, "InvalidArgument", "The continuation token provided is incorrect")
        except ValueError as error:
            return _error(start_response, 400, "InvalidArgument", str(error))
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        region = self._store.backend.buckets[bucket].region_name
        start_response("200 OK", [*headers, ("x-amz-bucket-region", region)])
        return [body]

    def _read(
        self, environ: Environ, start_response: StartResponse, bucket: str, key: str, *, is_plain: bool
    ) -> Iterable[bytes]:
        with self._store.holding((bucket, key)):
            size_bytes = self._store.size_bytes(bucket, key)
            if is_plain and environ["REQUEST_METHOD"] == "GET" and (size_bytes or 0) >= _STREAM_FROM_BYTES:
                streamed = self._stream(environ, start_response, bucket, key)
                if streamed is not None:
                    return streamed
            return _run(self._moto, environ, start_response)

    def _stream(self, environ: Environ, start_response: StartResponse, bucket: str, key: str) -> Iterator[bytes] | None:
        """Take the headers of a large object from moto, and its bytes straight from their file."""
        head = _Captured()
        _run(self._moto, {**environ, "REQUEST_METHOD": "HEAD"}, head)
        stored = self._store.find(bucket, key)
        if stored is None or head.status_code not in (200, 206):
            return None
        names = {name.lower(): value for name, value in head.headers}
        start = 0
        if head.status_code == 206:  # noqa: PLR2004 - Partial Content
            start = int(names["content-range"].removeprefix("bytes ").partition("-")[0])
        # Moto's HEAD writes the checksum of a multipart object as if it were of the whole.
        headers = [item for item in head.headers if not item[0].lower().startswith("x-amz-checksum-")]
        start_response(head.status, headers)
        return stream_range(stored, start, int(names["content-length"]))

    def _change(
        self, environ: Environ, start_response: StartResponse, bucket: str, key: str, query: dict[str, str]
    ) -> Iterable[bytes]:
        # The body is read before the lock is taken: a slow sender holds nobody up.
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        if "delete" in query and not _is_xml(body):
            return _error(start_response, 400, "MalformedXML", "The XML you provided was not well-formed")
        with self._locks(environ, bucket, key, query):
            refusal = self._unmet_condition(environ, bucket, key, query)
            if refusal is not None:
                return _error(start_response, *refusal)
            try:
                return _run(self._moto, environ, start_response)
            finally:
                self._store.changed(bucket)

    def _locks(self, environ: Environ, bucket: str, key: str, query: dict[str, str]) -> AbstractContextManager[None]:
        if "delete" in query or not key:
            return self._store.holding_all()
        source = unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).partition("?")[0].lstrip("/")
        source_bucket, _, source_key = source.partition("/")
        return self._store.holding((bucket, key), (source_bucket, source_key))

    def _unmet_condition(
        self, environ: Environ, bucket: str, key: str, query: dict[str, str]
    ) -> tuple[int, str, str] | None:
        """Check ``If-Match`` and ``If-None-Match`` of a write, and take them out of the request."""
        method = environ["REQUEST_METHOD"]
        completes = method == "POST" and "uploadId" in query
        if not completes and (method not in ("PUT", "DELETE") or _subresources(query) - {"versionId"}):
            return None
        expected, unwanted = environ.pop("HTTP_IF_MATCH", None), environ.pop("HTTP_IF_NONE_MATCH", None)
        stored = self._store.find(bucket, key)
        if unwanted == "*" and stored is not None and not (completes and _is_result_of(stored, query["uploadId"])):
            return 412, "PreconditionFailed", _PRECONDITION_FAILED
        if expected is not None and stored is None:
            return 404, "NoSuchKey", "The specified key does not exist."
        if expected is not None and stored is not None and expected.strip('"') not in ("*", stored.etag.strip('"')):
            return 412, "PreconditionFailed", _PRECONDITION_FAILED
        return None


_PRECONDITION_FAILED = "At least one of the pre-conditions you specified did not hold"


class _Captured:
    """A ``start_response`` that keeps what it is told."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        self.status, self.headers = status, headers

    @property
    def status_code(self) -> int:
        return int(self.status.partition(" ")[0])


def _is_xml(body: bytes) -> bool:
    try:
        ET.fromstring(body)  # noqa: S314 - expat refuses what makes untrusted XML dangerous
    except ET.ParseError:
        return False
    return True


def _is_result_of(stored: Any, upload_id: str) -> bool:
    return stored.multipart is not None and stored.multipart.id == upload_id


def _subresources(query: dict[str, str]) -> set[str]:
    """Name the parameters that select what is acted on, without those of a presigned URL."""
    return {name for name in query if name != "x-id" and not name.lower().startswith(_SIGNATURE_PARAMETER)}


def _prepare(environ: Environ, raw_path: str, bucket: str, *, has_key: bool) -> None:
    """Let moto match a harmless path, read the undecoded one and see metadata names as sent."""
    environ["RAW_URI"] = raw_path
    environ["PATH_INFO"] = f"/{bucket}/key" if has_key else f"/{bucket}"
    environ["wsgi.input_terminated"] = True
    environ.setdefault("CONTENT_LENGTH", "0")
    names = (name.decode("latin-1") for name, _ in environ["asgi.scope"]["headers"])
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        environ_key_for_header(name): name for name in names if should_preserve_original_header_name(name)
    }


def _run(application: Any, environ: Environ, start_response: Any) -> list[bytes]:
    """Run a WSGI application to its end, so that its answer is complete when a lock is given up."""
    response = application(environ, start_response)
    try:
        return list(response)
    finally:
        response.close()


def _error(start_response: StartResponse, status: int, code: str, message: str) -> list[bytes]:
    body = error_xml(code, message)
    start_response(f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def error_xml(code: str, message: str) -> bytes:
    """Return an error as S3 writes it."""
    text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
