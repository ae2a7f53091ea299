"""Who examines partitions: threads of this process, or the workers of a Dask cluster where the settings name one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from batch_assets.aws_clients import aws_client
from batch_assets.crews import dask_cluster
from batch_assets.errors import TableChangedError
from batch_assets.reconciliation.examination import Examined, Examiner
from batch_assets.reconciliation.report import LeftAlone
from batch_assets.reconciliation.table_versions import TableVersions
from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from batch_assets.vectors.flight import run_in_flight, run_on
from batch_assets.vectors.index import IndexDescription
from batch_assets.vectors.inventory_file import LiveVector

CHANGED = "a run has written its tables meanwhile: reconcile again"
_PARTITIONS_AT_A_TIME = 8
_PARTITIONS_A_WORKER = 2


@dataclass(frozen=True)
class ExaminationTask:
    """A partition to be examined; see `Examiner.examine`."""

    partition: str
    live: Mapping[str, LiveVector]
    noted: TableVersions


def examine_all(examiner: Examiner, tasks: Iterable[ExaminationTask]) -> Iterator[Examined | LeftAlone]:
    """Examine partitions, a few at a time; results come in no order. Raises `ServiceError` when workers die."""
    settings = examiner.settings
    if not settings.dask_scheduler:
        yield from run_in_flight(partial(examine, examiner), tasks, calls_in_flight=_PARTITIONS_AT_A_TIME)
        return
    with dask_cluster(settings.dask_scheduler)() as crew:
        work = partial(examine_elsewhere, settings, examiner.indexes)
        yield from run_on(crew.executor, work, tasks, calls_in_flight=_PARTITIONS_A_WORKER * crew.size)


def examine(examiner: Examiner, task: ExaminationTask) -> Examined | LeftAlone:
    """Examine one partition, or say why not."""
    try:
        return examiner.examine(task.partition, task.live, task.noted)
    except TableChangedError:
        return LeftAlone(task.partition, CHANGED)


def examine_elsewhere(
    settings: Settings, indexes: Mapping[str, IndexDescription], task: ExaminationTask
) -> Examined | LeftAlone:
    """Examine one partition in a worker, with a client of its own from the standard AWS settings."""
    s3: Any = aws_client("s3", settings.region)
    tables = Tables(s3, S3Address.parse(settings.tables_uri), Catalog.of(settings))
    return examine(Examiner(settings, s3, tables, indexes), task)
