"""What is kept in memory for a while."""

import pytest

from batch_assets.gallery.kept import Kept


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_those_used_last_are_kept() -> None:
    """One that is used again outlives one that is newer."""
    kept: Kept[str, int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_values_have_a_weight() -> None:
    """Room is made by as many as it takes; one that is too large alone stays until the next comes."""
    kept: Kept[str, bytes] = Kept(10, weight=len)
    for key in "abc":
        kept.put(key, b"xxx")
    kept.put("d", b"xxxxxxx")
    assert [kept.get(key) for key in "abcd"] == [None, None, b"xxx", b"xxxxxxx"]
    kept.put("e", b"x" * 50)
    assert [kept.get(key) for key in "cde"] == [None, None, b"x" * 50]
    kept.put("e", b"x")
    kept.put("f", b"x" * 9)
    assert kept.get("e") == b"x"


def test_values_expire() -> None:
    """After their time they are as good as gone."""
    clock = Clock()
    kept: Kept[str, int] = Kept(2, seconds=5, monotonic=clock)
    kept.put("a", 1)
    clock.now += 5
    assert kept.get("a") == 1
    clock.now += 0.1
    assert kept.get("a") is None


def test_a_value_is_made_once() -> None:
    """And made again when it was forgotten."""
    kept: Kept[str, int] = Kept(2)
    made = iter(range(10))
    assert [kept.get_or_make("a", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    kept.forget("a")
    kept.forget("a")
    assert kept.get_or_make("a", lambda: next(made)) == 1


def test_a_failure_keeps_nothing() -> None:
    """The next one may succeed."""
    kept: Kept[str, float] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get_or_make("a", lambda: 1 / 0)
    assert kept.get_or_make("a", lambda: 2.0) == 2.0
