"""Putting, getting, listing and deleting vectors in the sandbox's S3 Vectors."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors import limits
from batch_assets.sandbox.s3vectors.service import S3VectorsService

RIGHT = [1.0, 0.0, 0.0]


def listed_keys(service: S3VectorsService, request: dict[str, Any]) -> list[list[str]]:
    """Return the keys of every page of a listing."""
    pages, token = [], None
    while True:
        page = service.list_vectors(request if token is None else request | {"nextToken": token})
        pages.append([vector["key"] for vector in page["vectors"]])
        token = page.get("nextToken")
        if token is None:
            return pages


def joined(pages: list[list[str]]) -> list[str]:
    """Return the keys of all pages in one list."""
    return list(itertools.chain.from_iterable(pages))


def test_values_read_back_as_float32(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """0.1 comes back as the nearest float32."""
    put("a", [0.1, 0.2, 0.3], partition="2026/11/01")
    assert service.get_vectors(index | {"keys": ["a"], "returnData": True, "returnMetadata": True}) == {
        "vectors": [
            {
                "key": "a",
                "data": {"float32": [float(np.float32(value)) for value in (0.1, 0.2, 0.3)]},
                "metadata": {"partition": "2026/11/01"},
            }
        ]
    }


def test_a_known_key_is_overwritten_whole(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """A second put replaces data and metadata; nothing of the first stays."""
    put("a", RIGHT, size=1, format="png")
    put("a", [0.0, 1.0, 0.0], size=2)
    (vector,) = service.get_vectors(index | {"keys": ["a"], "returnData": True, "returnMetadata": True})["vectors"]
    assert vector["metadata"] == {"size": 2}
    assert vector["data"]["float32"] == [0.0, 1.0, 0.0]


def test_unknown_keys_are_left_out(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """GetVectors answers what exists; DeleteVectors of an unknown key is no error."""
    put("a", RIGHT)
    service.delete_vectors(index | {"keys": ["missing"]})
    assert service.get_vectors(index | {"keys": ["missing", "a"]})["vectors"] == [{"key": "a"}]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0, 2.0], "vector must have length 3, but has length 2"),
        ([0.0, 0.0, 0.0], "cosine distance does not support vectors with zero norm"),
        ([1.0, math.nan, 0.0], "vector contains NaN or Infinity values"),
        ([1.0, math.inf, 0.0], "vector contains NaN or Infinity values"),
        ([1.0, 1e39, 0.0], "vector contains NaN or Infinity values"),
        ([1.0, "NaN", "-Infinity"], "vector contains NaN or Infinity values"),
        ([1.0, "2", 0.0], "vector must contain numbers only"),
        ([1.0, None, 0.0], "vector must contain numbers only"),
        ([1.0, [2.0], 0.0], "vector must contain numbers only"),
        ([[1.0], [2.0], [0.0]], "vector must contain numbers only"),
    ],
)
def test_a_wrong_vector_is_refused_by_its_key(put: Any, values: list[Any], reason: str) -> None:
    """The message names the key and what is wrong, also where float32 overflows."""
    with pytest.raises(ModelledError) as error:
        put("a.jpg", values)
    assert error.value.message == f"Invalid record for key 'a.jpg': {reason}"
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"text": "x" * 2048}, "Filterable metadata must have at most 2048 bytes"),
        ({"text": "ä" * 1024}, "Filterable metadata must have at most 2048 bytes"),
        ({"note": "x" * 40_960}, "Total metadata must have at most 40960 bytes"),
        ({f"k{number}": 1 for number in range(51)}, "Metadata object must have at most 50 keys"),
        ({"a": None}, "Metadata value of key 'a' must be a string, number, boolean or a list of these"),
        ({"a": {}}, "Metadata value of key 'a' must be a string, number, boolean or a list of these"),
        ({"a": [[]]}, "Metadata value of key 'a' must be a string, number, boolean or a list of these"),
    ],
)
def test_wrong_metadata_is_refused_by_the_key(put: Any, metadata: dict[str, Any], reason: str) -> None:
    """Sizes count bytes, not characters; types are string, number, boolean and lists of these."""
    with pytest.raises(ModelledError) as error:
        put("a", RIGHT, **metadata)
    assert error.value.message == f"Invalid record for key 'a': {reason}"


def test_long_text_fits_under_a_non_filterable_key(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """What the index declared non-filterable counts only towards the 40 KB."""
    put("a", RIGHT, note="x" * 40_000)
    (vector,) = service.get_vectors(index | {"keys": ["a"], "returnMetadata": True})["vectors"]
    assert len(vector["metadata"]["note"]) == 40_000


def test_one_wrong_vector_keeps_out_the_whole_call(service: S3VectorsService, index: dict[str, Any]) -> None:
    """Nothing of a refused PutVectors is stored."""
    records = [{"key": "good", "data": {"float32": RIGHT}}, {"key": "bad", "data": {"float32": [0, 0, 0]}}]
    with pytest.raises(ModelledError):
        service.put_vectors(index | {"vectors": records})
    assert service.list_vectors(index)["vectors"] == []


def test_a_listing_pages_by_500_and_by_choice(service: S3VectorsService, index: dict[str, Any]) -> None:
    """Without ``maxResults`` a page has 500 vectors; every vector is listed once."""
    for start in (0, 400):
        records = [{"key": f"{number:04d}", "data": {"float32": RIGHT}} for number in range(start, start + 400)]
        service.put_vectors(index | {"vectors": records})
    assert [len(page) for page in listed_keys(service, index)] == [500, 300]
    pages = listed_keys(service, index | {"maxResults": 300})
    assert [len(page) for page in pages] == [300, 300, 200]
    assert sorted(joined(pages)) == [f"{number:04d}" for number in range(800)]


def test_a_page_stops_at_one_megabyte(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """Vectors with 40 kB of metadata come some 25 a page, whether it is returned or not."""
    for number in range(30):
        put(f"{number}", RIGHT, note="x" * 40_000)
    pages = listed_keys(service, index)
    assert len(pages[0]) == math.ceil(limits.LIST_PAGE_MAX_BYTES / 40_025)
    assert len(joined(pages)) == 30


def test_segments_share_the_index_out(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """The segments together hold every vector exactly once."""
    for number in range(10):
        put(f"{number}", RIGHT)
    shares = [joined(listed_keys(service, index | {"segmentCount": 3, "segmentIndex": number})) for number in range(3)]
    assert sorted(joined(shares)) == [f"{number}" for number in range(10)]
    assert all(shares)


@pytest.mark.parametrize("members", [{"segmentCount": 2}, {"segmentIndex": 0}, {"segmentCount": 2, "segmentIndex": 2}])
def test_wrong_segments_are_refused(service: S3VectorsService, index: dict[str, Any], members: dict[str, int]) -> None:
    """Count and index go together, and the index stays below the count."""
    with pytest.raises(ModelledError) as error:
        service.list_vectors(index | members)
    assert error.value.code == "ValidationException"


def test_a_listing_survives_deletes_between_pages(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """What stays in the index all the time is listed, whatever else goes."""
    for number in range(900):
        put(f"{number}", RIGHT)
    first = service.list_vectors(index | {"maxResults": 100})
    gone = [f"{number}" for number in range(850)]
    for start in (0, 500):
        service.delete_vectors(index | {"keys": gone[start : start + 500]})
    rest = listed_keys(service, index | {"nextToken": first["nextToken"]})
    assert joined(rest) == [f"{number}" for number in range(850, 900)]
