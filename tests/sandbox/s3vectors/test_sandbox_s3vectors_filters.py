"""The filter language of the sandbox's S3 Vectors against a naive reading of its page."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.filters import compile_filter

KEYS = ("colour", "size", "tags")

primitives = st.one_of(
    st.sampled_from(["", "r", "red", "reddish", "blue"]),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, -1.5]),
    st.booleans(),
)
metadata_documents = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(primitives, st.lists(primitives, max_size=3)), max_size=3
)
numbers = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0]))
conditions = st.one_of(
    primitives,
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), primitives, min_size=1),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers, min_size=1),
    st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(primitives, min_size=1, max_size=3), min_size=1),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$startsWith": st.sampled_from(["", "r", "red"])}),
)
filter_documents = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), conditions, min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=1, max_size=3), min_size=1
    ),
    max_leaves=6,
)


def matches(document: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Read a filter word by word."""
    for name, value in document.items():
        if name == "$and":
            verdict = all(matches(part, metadata) for part in value)
        elif name == "$or":
            verdict = any(matches(part, metadata) for part in value)
        else:
            tests = value if isinstance(value, dict) else {"$eq": value}
            verdict = all(satisfies(op, operand, name, metadata) for op, operand in tests.items())
        if not verdict:
            return False
    return True


def satisfies(op: str, operand: Any, key: str, metadata: dict[str, Any]) -> bool:
    """Test one operator against every element that the key holds."""
    held = metadata.get(key, [])
    elements = held if isinstance(held, list) else [held]
    if op == "$exists":
        return (key in metadata) is operand
    if op in ("$ne", "$nin"):
        return not satisfies("$eq" if op == "$ne" else "$in", operand, key, metadata)
    wanted = operand if op == "$in" else [operand]
    if op in ("$eq", "$in"):
        return any(same(element, value) for element in elements for value in wanted)
    if op == "$startsWith":
        return any(isinstance(element, str) and element[: len(operand)] == operand for element in elements)
    signs = {"$gt": (1,), "$gte": (0, 1), "$lt": (-1,), "$lte": (-1, 0)}[op]
    numbers_held = [element for element in elements if type(element) in (int, float)]
    return any((number > operand) - (number < operand) in signs for number in numbers_held)


def same(left: Any, right: Any) -> bool:
    """Equal and not a boolean beside a number."""
    return (type(left) is bool) == (type(right) is bool) and bool(left == right)


@given(filter_documents, metadata_documents)
def test_filters_mean_what_the_page_says(document: dict[str, Any], metadata: dict[str, Any]) -> None:
    """The compiled filter and the naive reading agree on every document."""
    predicate = compile_filter(document, non_filterable=(), enhanced=True)
    assert predicate(metadata) == matches(document, metadata)


@pytest.mark.parametrize(
    ("document", "metadata", "expected"),
    [
        ({"category": {"$eq": "documentary"}}, {"category": ["documentary", "romance"]}, True),
        ({"price": {"$gte": 10, "$lte": 50}}, {"price": 51}, False),
        ({"genre": {"$exists": True}}, {"genre": False}, True),
        ({"$or": [{"genre": "drama"}, {"year": {"$gte": 2020}}]}, {"year": 2021}, True),
        ({"s3_path": {"$startsWith": "/marketing/"}}, {"s3_path": "/marketing/a.png"}, True),
    ],
)
def test_the_examples_of_the_page_hold(document: dict[str, Any], metadata: dict[str, Any], expected: bool) -> None:
    """Each is an example of "Metadata filtering" in the user guide."""
    assert compile_filter(document, non_filterable=(), enhanced=True)(metadata) is expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "red",
        {"colour": {}},
        {"colour": None},
        {"colour": ["red"]},
        {"colour": {"$regex": "r"}},
        {"$not": {"colour": "red"}},
        {"colour": {"$in": []}},
        {"colour": {"$in": "red"}},
        {"colour": {"$nin": [["red"]]}},
        {"$and": []},
        {"$or": {"colour": "red"}},
        {"$and": [{}]},
        {"size": {"$gt": "5"}},
        {"size": {"$lte": True}},
        {"colour": {"$exists": 1}},
        {"colour": {"$startsWith": 1}},
        {"colour": {"$eq": {"$eq": "red"}}},
        {"secret": "x"},
        {"$and": [{"secret": {"$exists": True}}]},
    ],
)
def test_wrong_filters_are_refused(document: object) -> None:
    """Unknown operators, wrong operands, empty lists and non-filterable keys are validation errors."""
    with pytest.raises(ModelledError) as error:
        compile_filter(document, non_filterable=("secret",), enhanced=True)
    assert error.value.code == "ValidationException"


def test_every_value_counts_as_a_constraint() -> None:
    """100 values in ``$in`` pass on ENHANCED, one more does not; CLASSIC has no such limit."""
    hundred = {"size": {"$in": list(range(100))}}
    compile_filter(hundred, non_filterable=(), enhanced=True)
    with pytest.raises(ModelledError, match="at most 100 constraints, but has 101"):
        compile_filter(hundred | {"colour": "red"}, non_filterable=(), enhanced=True)
    compile_filter(hundred | {"colour": "red"}, non_filterable=(), enhanced=False)


def test_starts_with_needs_the_enhanced_mode() -> None:
    """On a CLASSIC query ``$startsWith`` is refused."""
    with pytest.raises(ModelledError, match="ENHANCED"):
        compile_filter({"colour": {"$startsWith": "r"}}, non_filterable=(), enhanced=False)


def test_a_bottomless_filter_is_refused() -> None:
    """Deep nesting is a validation error, not a crash."""
    document: dict[str, Any] = {"colour": "red"}
    for _ in range(500):
        document = {"$and": [document]}
    with pytest.raises(ModelledError, match="nested"):
        compile_filter(document, non_filterable=(), enhanced=True)
