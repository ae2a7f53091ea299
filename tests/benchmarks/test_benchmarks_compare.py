"""Comparing ratios of two runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare


def document(ratio: float, *, seconds: float = 1.0, size: int = 10) -> dict[str, Any]:
    """Return results of one stage with one ratio."""
    contenders = [
        {"name": "ours", "role": "ours", "medians": {"cpu_seconds": seconds}},
        {"name": "script", "role": "plain", "medians": {"cpu_seconds": seconds * ratio}},
    ]
    stage = {"size": size, "contenders": contenders, "ratios": {"script": {"cpu_seconds": ratio}}}
    return {"schema_version": 1, "stages": {"s": stage}}


def test_a_ratio_that_got_much_worse_is_named() -> None:
    """20 x became 10 x: ours got worse by a factor of two."""
    found = list(compare.changes(document(20), document(10)))
    assert [change.factor for change in found] == [2.0]
    text = compare.report(found)
    assert "1 ratios compared, 1 worse by more than 1.5 x" in text
    assert "s: cpu_seconds of script over ours was 20, is 10 (2.00 x worse)" in text


@pytest.mark.parametrize("now", [14, 20, 200])
def test_noise_and_gains_are_let_pass(now: float) -> None:
    """A third worse is noise on a shared machine."""
    assert "0 worse" in compare.report(list(compare.changes(document(20), document(now))))


def test_absolute_times_do_not_count() -> None:
    """A machine a hundred times slower has the same ratios."""
    [change] = compare.changes(document(20, seconds=1), document(20, seconds=100))
    assert change.factor == 1


@pytest.mark.parametrize("new", [document(1, size=11), document(1, seconds=0.001), {"schema_version": 1, "stages": {}}])
def test_what_cannot_be_compared_is_left_out(new: Any) -> None:
    """Another size, times too short to mean anything, a stage that did not run."""
    assert list(compare.changes(document(20), new)) == []


def test_the_command_reports_and_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever got worse, and also before anything is stored."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    new.write_text(json.dumps(document(1)), encoding="utf-8")
    compare.main([str(old), str(new)])
    assert "nothing to compare with" in capsys.readouterr().out
    old.write_text(json.dumps(document(20)), encoding="utf-8")
    compare.main([str(old), str(new)])
    assert "20.00 x worse" in capsys.readouterr().out
