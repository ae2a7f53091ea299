"""Listing a prefix in ranges of keys at once, without knowing the keys.

S3 gives 1,000 keys a call, and the next page only after the one before. But a listing can begin after any key: so a
range that is still long is cut in two, and both halves are listed at once. Where to cut is guessed from the keys seen
so far; a wrong guess costs a call, never a key. Each page lets one range be cut, so that wrong guesses stay few.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.storage.key_space import KeySpace
from batch_assets.storage.pages import Page

_SAMPLES_PER_PAGE = 5
_REACH_GROWTH = 4  # measured: more overshoots the end of short listings, less is slow to find the end of long ones

Fetch = Callable[[str, str | None], Page]
"""Gives the first objects after a key, or those that a continuation token stands for."""


@dataclass(frozen=True)
class Callers:
    """Who makes the calls: so many at once are under way in an executor, at most."""

    executor: Executor
    fetch: Fetch
    max_calls: int


@dataclass(frozen=True)
class _KeyRange:
    """Keys after `after`, up to and with `until` (None: to the end of the prefix), of which none is listed yet.

    `page` are the first and the last key of the page before it, None where a cut has begun it or ended it since: it is
    not cut before it has shown a page. A range without end is cut at most `reach` pages ahead, further each time.
    """

    after: str
    until: str | None = None
    token: str | None = None
    page: tuple[str, str] | None = None
    reach: int = 1


class RangeListing:
    """Everything under a prefix, of which the first page is there."""

    def __init__(self, prefix: str, first: Page) -> None:
        self._space = KeySpace(prefix)
        self._batches: list[tuple[str, pa.RecordBatch]] = []
        self._waiting: list[_KeyRange] = []
        self._flying: dict[Future[Page], _KeyRange] = {}
        self._take(first, _KeyRange(after=""))

    @property
    def is_complete(self) -> bool:
        return not self._waiting

    def run(self, callers: Callers, *, max_pages: int | None = None) -> None:
        """List what is left, or go on until there are about `max_pages` pages; others may go on then."""
        while self._flying or (self._waiting and not self._has(max_pages)):
            if not self._has(max_pages):
                self._start_calls(callers)
            done, _ = wait(self._flying, return_when=FIRST_COMPLETED)
            for call in done:
                key_range = self._flying.pop(call)
                self._take(call.result(), key_range)

    def batches(self) -> list[pa.RecordBatch]:
        """The pages in the order of the keys, without what two of them both had."""
        return [batch for _, batch in sorted(self._batches, key=lambda item: item[0])]

    def _has(self, pages: int | None) -> bool:
        return pages is not None and len(self._batches) >= pages

    def _start_calls(self, callers: Callers) -> None:
        # A short listing is not worth many calls: they grow with the pages that were found.
        while len(self._flying) < min(callers.max_calls, len(self._batches) + 1):
            key_range = self._waiting.pop() if self._waiting else self._cut_longest()
            if key_range is None:
                return
            self._flying[callers.executor.submit(callers.fetch, key_range.after, key_range.token)] = key_range

    def _take(self, page: Page, key_range: _KeyRange) -> None:
        """Keep what belongs to a range, and put what is left of it back."""
        keys, until = page.entries.column("key"), key_range.until
        first, last = (keys[0].as_py(), keys[-1].as_py()) if len(keys) else ("", key_range.after)
        self._space.learn(keys[row].as_py() for row in range(0, len(keys), max(1, len(keys) // _SAMPLES_PER_PAGE)))
        if page.next_token is None:
            self._end_at(last)
        if until is not None and last > until:
            self._keep(first, page.entries.slice(0, pc.sum(pc.less_equal(keys, until)).as_py()))
            return
        self._keep(first, page.entries)
        if page.next_token is not None:
            self._waiting.append(replace(key_range, after=last, token=page.next_token, page=(first, last)))

    def _keep(self, first: str, entries: pa.RecordBatch) -> None:
        if entries.num_rows:
            self._batches.append((first, entries))

    def _end_at(self, last: str) -> None:
        """Nothing comes after this key: cut no range there."""
        for call, key_range in self._flying.items():
            if key_range.until is None or key_range.until > last:
                self._flying[call] = replace(key_range, until=max(last, key_range.after))

    def _cut_longest(self) -> _KeyRange | None:
        """Cut the range under way that seems the longest, and give its second half; None if none is worth a call."""
        cuts = ((*self._cut(key_range), call) for call, key_range in self._flying.items() if key_range.page)
        pages, middle, call = max(cuts, key=lambda cut: cut[0], default=(0.0, "", None))
        if call is None or pages < 1:
            return None
        key_range = self._flying[call]
        self._flying[call] = replace(key_range, until=middle, page=None)
        return _KeyRange(after=middle, until=key_range.until, reach=key_range.reach * _REACH_GROWTH)

    def _cut(self, key_range: _KeyRange) -> tuple[float, str]:
        """How many pages the first half of a range seems to have, and where it ends; 0 if it cannot be cut."""
        assert key_range.page is not None  # noqa: S101 - see _cut_longest
        first, last = (self._space.number(key) for key in key_range.page)
        page_width = max(1, last - first)
        end = self._space.end if key_range.until is None else self._space.number(key_range.until)
        width = (end - last) // 2
        if key_range.until is None:
            width = min(width, page_width * key_range.reach)
        middle = self._space.key(last + width)
        if middle <= key_range.after or (key_range.until is not None and middle >= key_range.until):
            return 0, middle
        return width / page_width, middle
