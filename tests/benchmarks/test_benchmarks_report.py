"""The stored results, the page and the picture."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, record
from benchmarks.figures import stage_figures
from benchmarks.machine import describe_machine
from benchmarks.model import Bound, Measure, Target
from benchmarks.rounds import StageRun
from benchmarks.scale import page as scale_page


@pytest.fixture
def stored(sample: Any, stage: Any) -> Any:
    """Give the document of one stage."""
    wanted = stage(
        targets=(Target("script", Measure.CPU, at_least=4), Target("limit", Measure.WALL, at_most=1.5)),
        bounds=(Bound("calls", at_most=10),),
        note="What is special.",
    )
    samples = {
        "ours": [sample(wall=2.0, cpu=2.0, peak=200_000_000, pool=1.0, calls=3)] * 3,
        "script": [sample(cpu=10.0, peak=400_000_000)] * 3,
        "limit": [sample(wall=1.0, digest=None)] * 3,
    }
    larger = {size: {"ours": [sample(cpu=size / 5, peak=210_000_000, calls=3)]} for size in (40, 160)}
    run = StageRun(stage=wanted, size=10, samples=samples, larger=larger)
    return record.document(
        describe_machine(), {"s": record.stage_record(wanted, stage_figures(run), load_before=0.24)}, quick=False
    )


def test_prose_around_the_markers_stays() -> None:
    """Only what stands between is replaced, however often."""
    text = "# Title\n\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\n\nProse.\n"
    once = page.replace_between_markers(text, "new")
    assert once == "# Title\n\n<!-- benchmarks -->\nnew\n<!-- /benchmarks -->\n\nProse.\n"
    assert page.replace_between_markers(once, "new") == once


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "<!-- benchmarks -->",
        "<!-- /benchmarks --><!-- benchmarks -->",
        "<!-- benchmarks --><!-- /benchmarks -->" * 2,
    ],
)
def test_a_page_without_its_place_is_refused(text: str) -> None:
    """Rather than writing somewhere else."""
    with pytest.raises(ValueError, match="exactly one"):
        page.replace_between_markers(text, "new")


def test_the_page_shows_machine_targets_contenders_and_growth(stored: Any) -> None:
    """Everything that a reader compares, with what is not reached in bold."""
    text = page.render(stored, picture="images/performance.png")
    for line in (
        "| s | CPU, script / ours | at least 4 x | 5 x | yes, 25% to spare |",
        "| s | wall, ours / limit | at most 1.5 x | 2 x | **no**, 33% short |",
        "| s | calls | at most 10 | 3 | yes, 70% to spare |",
        "| ours | ours | 2 | 2 | 1 | 200 a process | 3 |  |",
        "| script | plain | 1 | 10 | 10 | 400 |  | 5 |",
        "| ours | 160 | 1 | 32 | 1 | 210 |",
        "What is special.",
        "10 rows, medians of 3 interleaved rounds; load average before: 0.2.",
    ):
        assert line in text
    assert stored["machine"]["processor"] in text


def test_the_machine_has_no_name(stored: Any) -> None:
    """Its kind is told, not which one it is."""
    assert set(stored["machine"]) == {"processor", "cores", "memory_gib", "system", "python", "libraries"}
    assert "numpy" in stored["machine"]["libraries"]


def test_results_come_back_as_they_were_stored(stored: Any, tmp_path: Path) -> None:
    """And those of an unknown format are refused."""
    path = tmp_path / "new" / "results.json"
    record.write(path, stored)
    assert record.read(path) == stored
    record.write(path, {**stored, "schema_version": 2})
    with pytest.raises(ValueError, match="schema_version 2"):
        record.read(path)


def test_stages_that_did_not_run_keep_their_figures_on_the_same_machine(stored: Any) -> None:
    """On another machine, or of another kind of run, they would not belong together."""
    old = {**stored, "stages": {"other": 1, "s": 2}}
    assert record.merged(old, stored)["stages"] == {"other": 1, **stored["stages"]}
    assert record.merged({**old, "machine": {}}, stored) == stored
    assert record.merged({**old, "quick": True}, stored) == stored
    assert record.merged(None, stored) == stored


def test_stages_stand_in_the_order_of_the_pipeline(stored: Any) -> None:
    """Whatever order they were measured in; those that are gone fall out."""
    mixed = {**stored, "stages": {"search": 1, "gone": 2, "listing": 3}}
    assert list(record.in_order(mixed, ["listing", "manifest", "search"])["stages"]) == ["listing", "search"]


def test_the_picture_is_a_png(stored: Any, tmp_path: Path) -> None:
    """Drawn without a screen."""
    pytest.importorskip("matplotlib", reason="the picture is drawn by the benchmark's own extra")
    from benchmarks.picture import draw  # noqa: PLC0415 - needs the extra

    draw(stored, tmp_path / "images" / "p.png")
    content = (tmp_path / "images" / "p.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 10_000


def test_what_was_seen_at_scale_is_a_row_a_figure() -> None:
    """Nested figures under their path, large numbers in groups, what is empty left out."""
    stored = {"dask": {"records": 20_000, "seconds": {"one_worker": [1.5, 2]}, "reason": "", "same": True}}
    assert scale_page.render(stored).splitlines() == [
        "### Results to the embedding table, with and without Dask (`dask`)",
        "",
        "| figure | value |",
        "| --- | --- |",
        "| records | 20,000 |",
        "| seconds: one worker | 1.5, 2 |",
        "| same | yes |",
    ]


def test_things_of_one_kind_are_rows_of_a_table_of_their_own() -> None:
    """Their numbers are its columns, however deep; texts stay in the file. A second size has its own section."""
    looks = {"first": {"seconds": 2.5, "reason": "none"}, "calls": 3.0}
    stored: dict[str, Any] = {
        "sensors-1000": {"partitions": 1_000},
        "sensors": {"partitions": 5_000, "when": {"full": {"a": looks, "b": looks}, "free": {"a": looks, "b": looks}}},
    }
    assert scale_page.render(stored).splitlines() == [
        "### A look of each sensor, with thousands of partitions (`sensors`)",
        "",
        "| figure | value |",
        "| --- | --- |",
        "| partitions | 5,000 |",
        "",
        "| when | first: seconds | calls |",
        "| --- | --- | --- |",
        "| full: a | 2.5 | 3 |",
        "| full: b | 2.5 | 3 |",
        "| free: a | 2.5 | 3 |",
        "| free: b | 2.5 | 3 |",
        "",
        "### A look of each sensor, with thousands of partitions (`sensors-1000`)",
        "",
        "| figure | value |",
        "| --- | --- |",
        "| partitions | 1,000 |",
    ]
