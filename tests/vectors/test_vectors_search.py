"""Queries and their filters."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from batch_assets.errors import SearchError
from batch_assets.vectors.metadata import ImageMetadata
from batch_assets.vectors.search import MAX_CONSTRAINTS, Criteria, search
from batch_assets.vectors.writer import VectorBlock, VectorWriter

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

FIRST_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def image(number: int) -> ImageMetadata:
    """Return the metadata of one image: a day, a thousand bytes more each, every third a png."""
    day = FIRST_DAY + dt.timedelta(days=number)
    return ImageMetadata(
        partition=f"{day:%Y/%m/%d}",
        format="png" if number % 3 == 0 else "jpeg",
        size_bytes=1000 * number,
        last_modified=day,
        s3_uri=f"s3://photos/{number}.jpg",
        etag=f"etag-{number}",
        record_id=f"{number:032x}",
        job_id="abcdefghijkl",
    )


@pytest.fixture
def images(s3vectors: "S3VectorsClient", address: Any) -> Any:
    """Give an index with 250 images, ever farther from the direction (1, 0, 0, 0)."""
    vectors = np.array([[1.0, 0.01 * number, 0.0, 0.0] for number in range(250)], np.float32)
    documents = [image(number).document() for number in range(250)]
    keys = [f"{number}.jpg" for number in range(250)]
    VectorWriter(s3vectors, address.bucket, address.index).put([VectorBlock(keys, vectors, documents)])
    return address


def keys_found(client: "S3VectorsClient", address: Any, top_k: int, criteria: Criteria | None = None) -> list[str]:
    """Return the keys nearest to (1, 0, 0, 0)."""
    query = np.array([1, 0, 0, 0], np.float32)
    matches = search(client, bucket=address.bucket, index=address.index, vector=query, top_k=top_k, criteria=criteria)
    assert [match.distance for match in matches] == sorted(match.distance for match in matches)
    return [match.key for match in matches]


def test_a_match_carries_key_distance_and_metadata(s3vectors: "S3VectorsClient", images: Any) -> None:
    """All that was stored comes back, with the time in epoch seconds."""
    (match,) = search(s3vectors, bucket=images.bucket, index=images.index, vector=[1.0, 0.0, 0.0, 0.0], top_k=1)
    assert (match.key, match.distance) == ("0.jpg", 0.0)
    assert match.metadata == {
        "partition": "2026/01/01",
        "format": "png",
        "size": 0,
        "last_modified": 1_767_225_600,
        "s3_uri": "s3://photos/0.jpg",
        "etag": "etag-0",
        "record_id": "0" * 32,
        "job_id": "abcdefghijkl",
    }


def test_results_over_one_page_are_all_returned(s3vectors: "S3VectorsClient", images: Any) -> None:
    """230 results come in three pages of the service and in one list."""
    assert keys_found(s3vectors, images, 230) == [f"{number}.jpg" for number in range(230)]


@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        (Criteria(partitions=("2026/01/03", "2026/02/01")), [2, 31]),
        (Criteria(partitions=()), []),
        (Criteria(since=FIRST_DAY + dt.timedelta(days=248)), [248, 249]),
        (Criteria(until=FIRST_DAY + dt.timedelta(days=2)), [0, 1]),
        (Criteria(formats=("png",), max_size_bytes=7000), [0, 3, 6]),
        (Criteria(min_size_bytes=3000, max_size_bytes=4000), [3, 4]),
    ],
)
def test_criteria_narrow_the_search(
    s3vectors: "S3VectorsClient", images: Any, criteria: Criteria, numbers: list[int]
) -> None:
    """Partitions, times (until excluded), formats and sizes (both ends included)."""
    assert keys_found(s3vectors, images, 10, criteria) == [f"{number}.jpg" for number in numbers]


def test_many_partitions_are_searched_in_several_queries(s3vectors: "S3VectorsClient", images: Any) -> None:
    """250 days are more than one filter takes; the nearest of all are found."""
    days = tuple(f"{FIRST_DAY + dt.timedelta(days=number):%Y/%m/%d}" for number in reversed(range(250)))
    assert keys_found(s3vectors, images, 5, Criteria(partitions=days)) == [f"{number}.jpg" for number in range(5)]
    assert len(Criteria(partitions=days).filters()) == 3


def test_a_split_leaves_room_for_the_other_conditions() -> None:
    """Partitions and everything else together stay at 100 constraints."""
    criteria = Criteria(
        partitions=tuple(f"{number}" for number in range(96)), formats=("png", "gif"), since=FIRST_DAY, until=FIRST_DAY
    )
    (only,) = criteria.filters()
    assert only is not None
    values = [*only["partition"]["$in"], *only["format"]["$in"], *only["last_modified"].values()]
    assert len(values) == MAX_CONSTRAINTS
    assert (
        len(
            Criteria(
                partitions=("a", *(criteria.partitions or ())), formats=("png", "gif"), since=FIRST_DAY, until=FIRST_DAY
            ).filters()
        )
        == 2
    )


def test_no_criteria_make_no_filter() -> None:
    """An empty filter would be refused, so there is none."""
    assert Criteria().filters() == [None]


def test_a_time_without_zone_is_refused() -> None:
    """Epoch seconds of a naive time would depend on this machine."""
    with pytest.raises(SearchError, match="has no time zone"):
        Criteria(since=dt.datetime(2026, 1, 1)).filters()  # noqa: DTZ001 - naive on purpose


def test_more_formats_than_a_filter_takes_are_refused() -> None:
    """Only partitions are split over queries."""
    with pytest.raises(SearchError, match="name fewer formats"):
        Criteria(formats=tuple(f"{number}" for number in range(101))).filters()


@pytest.mark.parametrize("top_k", [0, 10_001])
def test_a_top_k_out_of_range_is_refused(s3vectors: "S3VectorsClient", images: Any, top_k: int) -> None:
    """1 to 10,000."""
    with pytest.raises(SearchError, match="top_k must be between 1 and 10,000"):
        keys_found(s3vectors, images, top_k)


def test_a_missing_index_says_what_to_do(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """Before the first load there is nothing to search."""
    with pytest.raises(SearchError, match=f"index 'none' of vector bucket '{vector_bucket}' does not exist: load"):
        search(s3vectors, bucket=vector_bucket, index="none", vector=[1.0], top_k=1)


def test_a_query_of_another_dimension_says_so(s3vectors: "S3VectorsClient", images: Any) -> None:
    """The service's own words are passed on."""
    with pytest.raises(SearchError, match="must have length 4, but has length 3"):
        search(s3vectors, bucket=images.bucket, index=images.index, vector=[1.0, 0.0, 0.0], top_k=1)
