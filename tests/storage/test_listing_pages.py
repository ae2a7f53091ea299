"""One page of a listing: whatever S3 writes, it is read as boto3 reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.errors import ServiceError
from batch_assets.storage.objects import S3Address
from batch_assets.storage.page_parser import split_page
from batch_assets.storage.pages import list_page

PREFIX = S3Address("pictures", "photos/")
START = datetime(2024, 1, 2, tzinfo=UTC)
CLIENT = boto3.client(
    "s3",
    aws_access_key_id="a",
    aws_secret_access_key="b",
    region_name="us-east-1",
    config=Config(retries={"total_max_attempts": 1}),
)


class Raw(BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """All of it at once."""
        yield self.read()


@contextmanager
def answering(body: bytes) -> Iterator[None]:
    """Let the client find this answer instead of asking S3."""

    def answer(**_: Any) -> AWSResponse:
        return AWSResponse("https://s3", 200, HTTPHeaders.from_dict({"content-type": "application/xml"}), Raw(body))

    events: Any = CLIENT.meta.events  # its stubs know no handler that gives something back
    events.register("before-send.s3.ListObjectsV2", answer)
    try:
        yield
    finally:
        events.unregister("before-send.s3.ListObjectsV2", answer)


@dataclass(frozen=True)
class Entry:
    """One object as it may stand in a page."""

    key: str
    size: int = 1
    etag: str = "d41d8cd98f00b204e9800998ecf8427e"
    seconds: int = 0
    quote: str = "&quot;"
    extras: tuple[str, ...] = ()
    place: int = 3
    between: str = ""

    def xml(self, encode: Any) -> str:
        """The entry; extras stand at their place among its elements."""
        written = (START + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        parts = [
            f"<Key>{encode(self.key)}</Key>",
            f"<LastModified>{written}</LastModified>",
            f"<ETag>{self.quote}{self.etag}{self.quote}</ETag>",
            f"<Size>{self.size}</Size>",
            "<StorageClass>STANDARD</StorageClass>",
        ]
        parts[self.place : self.place] = self.extras
        return f"<Contents>{self.between.join(parts)}</Contents>{self.between}"


@dataclass(frozen=True)
class Document:
    """A page of entries."""

    entries: list[Entry] = field(default_factory=list)
    token: str | None = None
    is_encoded: bool = True
    encode: Any = quote_plus
    head: str = ""

    def body(self) -> bytes:
        """The page as it is sent."""
        encode = self.encode if self.is_encoded else escape
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
            'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pictures</Name><Prefix>photos%2F</Prefix>'
            f"{self.head}{f'<NextContinuationToken>{self.token}</NextContinuationToken>' if self.token else ''}"
            f"{'<EncodingType>url</EncodingType>' if self.is_encoded else ''}"
            f"<IsTruncated>{'true' if self.token else 'false'}</IsTruncated>"
            f"{''.join(entry.xml(encode) for entry in self.entries)}</ListBucketResult>"
        ).encode()


# XML 1.0 cannot say most control characters; where keys are not encoded, none of them stands.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
ODD_KEYS = [
    "photos//double.jpg", "photos/./a.jpg", "photos/../a.jpg", "photos/dir/", "/lead.jpg", "photos/new\nline.jpg",
    "photos/\r\n.jpg", "photos/\x01\x7f.jpg", "photos/a b.jpg", "photos/a+b.jpg", "photos/a%20b.jpg",
    "photos/a&b<c>'\".jpg",
    "photos/&quot;.jpg", "photos/\U0001f600é.jpg", "photos/e\u0301.jpg", "photos/\ufffe\u2028.jpg", "photos/=~*!().jpg",
]  # fmt: skip
entries = st.builds(
    Entry,
    st.sampled_from(ODD_KEYS) | texts.map("photos/".__add__),
    size=st.integers(0, 5 * 1024**4),
    etag=st.sampled_from(["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-12", "", "a&amp;b"]),
    seconds=st.integers(0, 10**9),
    quote=st.sampled_from(["&quot;", '"', "&#34;", ""]),
    extras=st.lists(
        st.sampled_from(
            [
                "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>",
                "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>",
                "<Owner><DisplayName>me</DisplayName><ID>75aa57</ID></Owner>",
                "<Owner><DisplayName/><ID>75aa57</ID></Owner>",
                "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>",
                "<Other><Key>another</Key><Size>7</Size></Other>",
                "<Keys>no key</Keys>",
                "<!-- <Key>no key</Key> -->",
            ]
        ),
        max_size=2,
    ).map(tuple),
    place=st.integers(0, 5),
    between=st.sampled_from(["", "\n  ", "\r\n"]),
)
documents = st.builds(
    Document,
    st.lists(entries, max_size=6),
    token=st.none() | st.just("next"),
    encode=st.sampled_from([quote_plus, quote]),
    head=st.sampled_from(["", "<CommonPrefixes><Prefix>photos%2Fa%2F</Prefix></CommonPrefixes>"]),
)


def rows_of(body: bytes) -> tuple[list[dict[str, Any]], str | None]:
    """Return the entries of a page as ours, and its token."""
    with answering(body):
        page = list_page(CLIENT, PREFIX)
    return page.entries.to_pylist(), page.next_token


def rows_of_boto3(body: bytes) -> tuple[list[dict[str, Any]], str | None]:
    """Return what boto3 says of the same page."""
    with answering(body):
        reply = CLIENT.list_objects_v2(Bucket=PREFIX.bucket, Prefix=PREFIX.key)
    rows = [
        {
            "key": entry["Key"],
            "size": entry["Size"],
            "etag": entry["ETag"].strip('"'),
            "last_modified": entry["LastModified"],
        }
        for entry in reply.get("Contents", [])
    ]
    return rows, reply.get("NextContinuationToken")


@given(documents)
@settings(deadline=None, max_examples=300)
def test_a_page_is_read_as_boto3_reads_it(document: Document) -> None:
    """Odd keys, all ways to write a quote, elements that come and go, line ends, comments."""
    assert rows_of(document.body()) == rows_of_boto3(document.body())


@given(st.lists(st.builds(Entry, st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1)), max_size=4))
@settings(deadline=None)
def test_a_page_without_url_encoding_is_read_as_boto3_reads_it(listed: list[Entry]) -> None:
    """Not every service that speaks S3 encodes keys."""
    page = Document([entry for entry in listed if all(letter.isprintable() for letter in entry.key)], is_encoded=False)
    assert rows_of(page.body()) == rows_of_boto3(page.body())


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_is_read_without_boto3_and_exactly(key: str) -> None:
    """No key that S3 takes makes a page slow."""
    body = Document([Entry(key), Entry("photos/z.jpg", extras=("<StorageClass>STANDARD</StorageClass>",))]).body()
    split = split_page(body)
    assert split is not None
    assert split[1]["key"].to_pylist() == [key, "photos/z.jpg"]
    assert b"Contents" not in split[0]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Document([Entry("a")], is_encoded=False), id="keys that are not encoded"),
        pytest.param(Document([Entry("a", extras=("<!-- a -->",))]), id="a comment"),
        pytest.param(Document([Entry("a", extras=("<Key>b</Key>",))]), id="two keys"),
        pytest.param(Document([Entry("a", extras=("<Owner/>",))]), id="an empty element"),
        pytest.param(Document([Entry("a", extras=("</Contents><Contents>",))]), id="an entry without a key"),
        pytest.param(Document([Entry("a", etag="&lt;")]), id="an entity"),
        pytest.param(Document([Entry("a", between="\r\n")]), id="other line ends"),
        pytest.param(Document([Entry("a"), Entry("b\u00e9")], encode=str), id="keys that only claim to be encoded"),
        pytest.param(Document([]), id="no entry"),
    ],
)
def test_a_page_of_another_form_is_left_to_boto3(page: Document) -> None:
    """Only what is known for sure is read without it."""
    assert split_page(page.body()) is None


def test_an_error_in_a_successful_answer_is_still_found() -> None:
    """S3 may answer 200 and then fail; boto3 takes that for a failure of the server, and so does a listing."""
    body = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code><Message>again</Message></Error>'
    with answering(body), pytest.raises(CLIENT.exceptions.ClientError, match="InternalError"):
        list_page(CLIENT, PREFIX)


def test_a_page_that_was_cut_off_is_an_error() -> None:
    """Half a page is no page."""
    body = Document([Entry("photos/a.jpg"), Entry("photos/b.jpg")]).body()
    with answering(body[:-30]), pytest.raises(CLIENT.exceptions.ClientError, match="500"):
        list_page(CLIENT, PREFIX)


def test_other_calls_of_the_same_client_are_not_changed() -> None:
    """Whoever lists with the client itself gets what boto3 gives."""
    body = Document([Entry("photos/a.jpg")]).body()
    rows_of(body)
    with answering(body):
        reply = CLIENT.list_objects_v2(Bucket=PREFIX.bucket)
    assert [entry["Key"] for entry in reply["Contents"]] == ["photos/a.jpg"]


def test_boto3_parses_no_entry_of_a_usual_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its search for errors in successful answers, which parses all it is given, comes second."""
    parsed: list[bytes] = []

    def note(_status: int, body: bytes) -> bool:
        parsed.append(body)
        return False

    monkeypatch.setattr("botocore.handlers._looks_like_special_case_error", note)
    rows_of(Document([Entry("photos/a.jpg")]).body())
    assert parsed
    assert not any(b"photos/a.jpg" in body for body in parsed)


def test_a_listing_that_does_not_go_on_is_an_error() -> None:
    """A service that gives the same token again would be asked for ever."""
    with answering(Document([Entry("photos/a.jpg")], token="next").body()), pytest.raises(ServiceError, match="go on"):
        list_page(CLIENT, PREFIX, token="next")
