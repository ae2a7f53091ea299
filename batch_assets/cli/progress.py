"""Bars for long work, with rate and time left: on standard error, and only for a person who looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from batch_assets.cli.terminal import console
from batch_assets.progress import Progress as Report


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f}/s" if speed is not None else "", style="progress.data.speed")


def bars(*, quiet: bool = False, transient: bool = True) -> Progress:
    """Bars on standard error; nothing is shown if it is no terminal, or if quiet is asked for.

    Transient ones are gone afterwards.
    """
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        transient=transient,
        # What a command prints belongs where it was sent to.
        redirect_stdout=sys.stdout.isatty(),
    )


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[Report]:
    """What shows a bar for each stage that it is told of, and is gone afterwards."""
    with bars(quiet=quiet) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield report
