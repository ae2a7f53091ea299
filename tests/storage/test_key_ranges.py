"""Listing in ranges of keys at once: everything once, in order, with few calls."""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.errors import ServiceError
from batch_assets.storage.key_ranges import Callers, RangeListing
from batch_assets.storage.key_space import KeySpace
from batch_assets.storage.page_parser import ENTRIES
from batch_assets.storage.pages import Page

PREFIX = "photos/"


class Bucket:
    """Objects in memory, listed as S3 lists them; counts calls."""

    def __init__(self, keys: Sequence[str], page_keys: int) -> None:
        """Take any keys in any order."""
        self.keys, self.page_keys = sorted(set(keys), key=str.encode), page_keys
        self.calls = self.under_way = self.most_under_way = 0
        self._lock = threading.Lock()

    def fetch(self, after: str, token: str | None) -> Page:
        """Answer one call."""
        with self._lock:
            self.calls += 1
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        start = int(token) if token else bisect_right(self.keys, after)
        page = self.keys[start : start + self.page_keys]
        more = start + len(page) < len(self.keys)
        rows = [{"key": key, "size": 1, "etag": "e", "last_modified": 0} for key in page]
        batch = pa.RecordBatch.from_pylist(rows, schema=ENTRIES)
        with self._lock:
            self.under_way -= 1
        return Page(batch, str(start + len(page)) if more else None)

    def listed(self, *, max_calls: int = 8) -> list[str]:
        """All keys as a listing gives them."""
        listing = RangeListing(PREFIX, self.fetch("", None))
        with ThreadPoolExecutor(max_calls) as executor:
            listing.run(Callers(executor, self.fetch, max_calls))
        return [key for batch in listing.batches() for key in batch.column("key").to_pylist()]


any_name = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
digits = st.text("0123456789", min_size=1, max_size=6)
folders = st.builds("{}/{}.jpg".format, st.sampled_from(["cam1", "cam2", "cam10", "z"]), digits)
names = st.lists(any_name | digits | folders, max_size=120)


@given(names, st.integers(1, 12), st.integers(1, 8))
@settings(deadline=None, max_examples=200)
def test_every_key_is_listed_once_and_in_order(names: list[str], page_keys: int, max_calls: int) -> None:
    """Whatever the keys are, and however the ranges were cut."""
    bucket = Bucket([PREFIX + name for name in names], page_keys)
    assert bucket.listed(max_calls=max_calls) == bucket.keys


@given(names, st.integers(1, 12))
@settings(deadline=None, max_examples=200)
def test_no_more_than_the_allowed_calls_are_under_way(names: list[str], page_keys: int) -> None:
    """Nor do wrong guesses make many."""
    bucket = Bucket([PREFIX + name for name in names], page_keys)
    bucket.listed(max_calls=3)
    pages = -(-len(bucket.keys) // page_keys)
    assert bucket.most_under_way <= 3
    assert bucket.calls <= max(1, 3 * pages)


SHAPES = {
    "hashes": lambda number: f"{sha256(str(number).encode()).hexdigest()[:16]}.jpg",
    "numbers": lambda number: f"IMG_{number:06}.jpg",
    "numbers without zeros": lambda number: f"{number}.jpg",
    "folders": lambda number: f"cam{number % 7}/IMG_{number // 7:05}.jpg",
    "times": lambda number: f"{number // 2500:02}/{number * 7 % 60:02}-{number}.jpg",
    "not ASCII": lambda number: f"照片{number:06}é.jpg",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_long_listing_is_cut_into_ranges(shape: str) -> None:
    """Few calls find nothing new; page by page it would be 60 calls, one after the other."""
    bucket = Bucket([PREFIX + SHAPES[shape](number) for number in range(6000)], page_keys=100)
    assert bucket.listed() == bucket.keys
    assert bucket.calls <= 60 * 1.6


def test_a_short_listing_costs_few_calls() -> None:
    """Two pages are three calls at most."""
    bucket = Bucket([f"{PREFIX}{number:04}.jpg" for number in range(150)], page_keys=100)
    bucket.listed()
    assert bucket.calls <= 3


def test_a_failed_call_ends_the_listing() -> None:
    """The error is that of the call; half an inventory is none."""
    bucket = Bucket([f"{PREFIX}{number:04}.jpg" for number in range(1000)], page_keys=10)

    def fetch(after: str, token: str | None) -> Page:
        if bucket.calls > 20:
            raise ServiceError("slow down")
        return bucket.fetch(after, token)

    listing = RangeListing(PREFIX, bucket.fetch("", None))
    with ThreadPoolExecutor(4) as executor, pytest.raises(ServiceError, match="slow down"):
        listing.run(Callers(executor, fetch, 4))


@given(names, st.integers(1, 12), st.integers(1, 20))
@settings(deadline=None, max_examples=50)
def test_others_may_go_on_with_a_listing(names: list[str], page_keys: int, max_pages: int) -> None:
    """From some pages on, with pages of another size: it is the same in the end."""
    bucket = Bucket([PREFIX + name for name in names], page_keys)
    listing = RangeListing(PREFIX, bucket.fetch("", None))
    with ThreadPoolExecutor(4) as executor:
        listing.run(Callers(executor, bucket.fetch, 2), max_pages=max_pages)
        bucket.page_keys *= 3
        listing.run(Callers(executor, bucket.fetch, 4))
    assert listing.is_complete
    assert [key for batch in listing.batches() for key in batch.column("key").to_pylist()] == bucket.keys


@given(st.lists(any_name | digits, min_size=1, max_size=20), st.integers(0))
@settings(deadline=None)
def test_numbers_are_in_the_order_of_their_keys(names: list[str], number: int) -> None:
    """A cut between two numbers is a cut between their keys."""
    space = KeySpace(PREFIX)
    keys = sorted(PREFIX + name for name in names)
    space.learn(keys)
    numbers = [space.number(key) for key in keys]
    assert numbers == sorted(numbers)
    assert [space.key(of_key) for of_key in numbers] == keys
    assert space.number(space.key(number % (space.end + 1))) <= number % (space.end + 1)
