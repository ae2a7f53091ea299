"""QueryVectors of the sandbox's S3 Vectors: ranking, paging, refusals."""

import itertools
from typing import Any

import numpy as np
import pytest

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.service import S3VectorsService


def query(values: list[float], top_k: int = 10, **members: object) -> dict[str, Any]:
    """Return the members of a query."""
    return {"queryVector": {"float32": values}, "topK": top_k, **members}


def test_cosine_distance_is_one_minus_the_cosine(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """Same direction gives 0, a right angle 1, the opposite 2; length does not matter."""
    put("same", [5.0, 0.0, 0.0])
    put("opposite", [-1.0, 0.0, 0.0])
    put("across", [0.0, 2.0, 0.0])
    answer = service.query_vectors(index | query([1.0, 0.0, 0.0], returnDistance=True))
    assert answer == {
        "vectors": [
            {"key": "same", "distance": 0.0},
            {"key": "across", "distance": 1.0},
            {"key": "opposite", "distance": 2.0},
        ],
        "distanceMetric": "cosine",
    }


def test_euclidean_distance_is_plain(service: S3VectorsService, index: dict[str, Any]) -> None:
    """(0, 0, 0) and (3, 4, 0) are 5 apart, and a zero vector is welcome."""
    address = index | {"indexName": "euclidean"}
    service.create_index(address | {"dataType": "float32", "dimension": 3, "distanceMetric": "euclidean"})
    records = [{"key": "zero", "data": {"float32": [0, 0, 0]}}, {"key": "far", "data": {"float32": [9, 9, 9]}}]
    service.put_vectors(address | {"vectors": records})
    answer = service.query_vectors(address | query([3.0, 4.0, 0.0], top_k=1, returnDistance=True))
    assert answer["vectors"] == [{"key": "zero", "distance": 5.0}]


def test_the_ranking_agrees_with_a_plain_sort(service: S3VectorsService, index: dict[str, Any]) -> None:
    """The ten nearest of 400 random vectors are those of a sort by cosine."""
    random = np.random.default_rng(7)
    data = random.normal(size=(400, 3)).astype(np.float32)
    records = [{"key": f"{number}", "data": {"float32": row.tolist()}} for number, row in enumerate(data)]
    service.put_vectors(index | {"vectors": records})
    wanted = random.normal(size=3)
    cosine = (data @ wanted) / np.linalg.norm(data, axis=1)
    answer = service.query_vectors(index | query(wanted.tolist()))
    assert [vector["key"] for vector in answer["vectors"]] == [f"{row}" for row in np.argsort(-cosine)[:10]]


def test_a_filter_is_applied_before_the_search(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """The only match is found, however many closer vectors do not match."""
    for number in range(50):
        put(f"near-{number}", [1.0, 0.001 * number, 0.0], format="png")
    put("far", [-1.0, 0.0, 0.0], format="jpeg")
    members = query([1.0, 0.0, 0.0], top_k=1, filter={"format": "jpeg"}, returnMetadata=True)
    assert service.query_vectors(index | members)["vectors"] == [{"key": "far", "metadata": {"format": "jpeg"}}]


def test_deleted_vectors_are_not_found(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """A query after a delete does not see the vector."""
    put("a", [1.0, 0.0, 0.0])
    put("b", [0.0, 1.0, 0.0])
    service.delete_vectors(index | {"keys": ["a"]})
    assert service.query_vectors(index | query([1.0, 0.0, 0.0]))["vectors"] == [{"key": "b"}]


def test_results_come_in_pages_of_100_unmoved_by_writes(
    service: S3VectorsService, index: dict[str, Any], put: Any
) -> None:
    """A topK of 250 gives pages of 100, 100 and 50, from the state of the first page."""
    for number in range(260):
        put(f"{number:03d}", [1.0, 0.001 * number, 0.0])
    request = index | query([1.0, 0.0, 0.0], top_k=250)
    first = service.query_vectors(request)
    service.delete_vectors(index | {"keys": [f"{number:03d}" for number in range(260)]})
    second = service.query_vectors(request | {"nextToken": first["nextToken"]})
    third = service.query_vectors(request | {"nextToken": second["nextToken"]})
    keys = [[vector["key"] for vector in page["vectors"]] for page in (first, second, third)]
    assert [len(page) for page in keys] == [100, 100, 50]
    assert list(itertools.chain.from_iterable(keys)) == [f"{number:03d}" for number in range(250)]
    assert "nextToken" not in third


def test_a_page_token_is_bound_to_its_query(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """Another topK with the same token is refused."""
    for number in range(101):
        put(f"{number}", [1.0, 0.0, 0.0])
    first = service.query_vectors(index | query([1.0, 0.0, 0.0], top_k=101))
    with pytest.raises(ModelledError) as error:
        service.query_vectors(index | query([1.0, 0.0, 0.0], top_k=102, nextToken=first["nextToken"]))
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    "members",
    [
        query([1.0, 0.0, 0.0], top_k=10_001),
        query([1.0, 0.0]),
        query([0.0, 0.0, 0.0]),
        query([1.0, float("nan"), 0.0]),
        {"topK": 1},
        query([1.0, 0.0, 0.0], filter={"note": "x"}),
        query([1.0, 0.0, 0.0], filter={}),
        query([1.0, 0.0, 0.0], queryMode="CLASSIC"),
        query([1.0, 0.0, 0.0], queryTexts=[{"text": "red", "metadataKey": "note"}]),
    ],
)
def test_wrong_queries_are_refused(service: S3VectorsService, index: dict[str, Any], members: dict[str, Any]) -> None:
    """Each of them is a validation error, also on an empty index."""
    with pytest.raises(ModelledError) as error:
        service.query_vectors(index | members)
    assert error.value.code == "ValidationException"
