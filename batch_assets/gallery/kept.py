"""What is kept in memory for a while, within a bound."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """The values that were used last, by key; threads may share it.

    Args:
        capacity: What all values together may weigh; at least the newest one stays.
        weight: Of one value; 1 if not told.
        seconds: How long a value is good; for ever if not told.
        monotonic: The clock.
    """

    def __init__(
        self,
        capacity: int,
        *,
        weight: Callable[[_Value], int] = lambda _: 1,
        seconds: float = float("inf"),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity, self._weight, self._seconds, self._monotonic = capacity, weight, seconds, monotonic
        self._values: OrderedDict[_Key, tuple[_Value, float]] = OrderedDict()
        self._weighs = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Value | None:
        """The value that was put under a key, if it is still kept and good."""
        with self._lock:
            value, until = self._values.get(key, (None, 0.0))
            if value is None or until < self._monotonic():
                return None
            self._values.move_to_end(key)
            return value

    def get_or_make(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """The value that is kept, or the one that is made now; two threads may both make it."""
        value = self.get(key)
        return self.put(key, make()) if value is None else value

    def put(self, key: _Key, value: _Value) -> _Value:
        """Keep a value, and give it; those that were used least recently make room."""
        with self._lock:
            self._drop(key)
            self._values[key] = (value, self._monotonic() + self._seconds)
            self._weighs += self._weight(value)
            while self._weighs > self._capacity and len(self._values) > 1:
                self._drop(next(iter(self._values)))
        return value

    def forget(self, key: _Key) -> None:
        """Keep nothing under a key."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        if key in self._values:
            self._weighs -= self._weight(self._values.pop(key)[0])
