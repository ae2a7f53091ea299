"""ListObjects and ListObjectsV2, exact for every key that S3 allows.

Moto leaves some echoed names unencoded, which breaks on keys with control characters, and walks
the whole bucket for each page.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.etree import ElementTree as ET

from moto.s3.models import FakeKey

from batch_assets.sandbox.s3_store import ObjectStore

_MAX_KEYS = 1000
_XML_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class InvalidContinuationTokenError(ValueError):
    """A continuation token that this server did not hand out."""


@dataclass
class _Page:
    contents: list[FakeKey] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    is_truncated: bool = False

    def __len__(self) -> int:
        return len(self.contents) + len(self.prefixes)


def list_objects(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> bytes:
    """Answer either version of the call as XML; ``list-type=2`` asks for the second.

    Raises:
        InvalidContinuationTokenError: The token is not one of ours.
        ValueError: ``max-keys`` is not a number.
    """
    is_v2 = query.get("list-type") == "2"
    token = query.get("continuation-token")
    after = query.get("start-after" if is_v2 else "marker", "")
    if is_v2 and token is not None:
        after = _decode_token(token)
    max_keys = int(query.get("max-keys", _MAX_KEYS))
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    page = _collect(store, bucket, prefix=prefix, delimiter=delimiter, after=after, limit=min(max_keys, _MAX_KEYS))

    encode = quote if query.get("encoding-type") == "url" else str
    root = ET.Element("ListBucketResult", xmlns=_XML_NAMESPACE)
    _text(root, "Name", bucket)
    _text(root, "Prefix", encode(prefix))
    _text(root, "MaxKeys", str(max_keys))
    _text(root, "IsTruncated", str(page.is_truncated).lower())
    for tag, text in _echoes(page, is_v2=is_v2, token=token, after=encode(after), last=encode(page.last)).items():
        _text(root, tag, text)
    if delimiter:
        _text(root, "Delimiter", encode(delimiter))
    if "encoding-type" in query:
        _text(root, "EncodingType", query["encoding-type"])
    _add_entries(root, page, encode)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _echoes(page: _Page, *, is_v2: bool, token: str | None, after: str, last: str) -> dict[str, str]:
    """Return where the page starts and how the next one is asked for, in the version's terms."""
    if not is_v2:
        return {"Marker": after} | ({"NextMarker": last} if page.is_truncated else {})
    echoes = {"KeyCount": str(len(page))}
    if token is not None:
        echoes["ContinuationToken"] = token
    elif after:
        echoes["StartAfter"] = after
    if page.is_truncated:
        echoes["NextContinuationToken"] = _encode_token(page.last)
    return echoes


def _add_entries(root: ET.Element, page: _Page, encode: Callable[[str], str]) -> None:
    for stored in page.contents:
        entry = ET.SubElement(root, "Contents")
        _text(entry, "Key", encode(stored.name))
        _text(entry, "LastModified", str(stored.last_modified_ISO8601))
        _text(entry, "ETag", stored.etag)
        _text(entry, "Size", str(stored.size))
        _text(entry, "StorageClass", str(stored.storage_class))
    for common in page.prefixes:
        _text(ET.SubElement(root, "CommonPrefixes"), "Prefix", encode(common))


def _collect(store: ObjectStore, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int) -> _Page:
    page = _Page()
    for key in store.keys(bucket, prefix=prefix, after=after):
        common = _common_prefix(key, prefix, delimiter)
        if common is not None and common in {page.last, after}:
            continue
        stored = store.find(bucket, key)
        if stored is None:
            continue
        if len(page) >= limit:
            page.is_truncated = limit > 0
            break
        if common is None:
            page.contents.append(stored)
        else:
            page.prefixes.append(common)
        page.last = key if common is None else common
    return page


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if end < 0 else key[: end + len(delimiter)]


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _encode_token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidContinuationTokenError(token) from error
