"""Finding the stages: every module of `benchmarks.stages` that has a `STAGE`."""

import importlib
import pkgutil
from collections.abc import Sequence

from benchmarks import stages
from benchmarks.errors import BenchmarkError
from benchmarks.model import Contender, Stage

_PIPELINE_ORDER = ("listing", "comparing", "manifest", "results", "results_table", "put_vectors", "put_pace", "search")


def find_stage(name: str) -> Stage:
    """Return the stage of this name.

    Raises:
        BenchmarkError: If there is none, or its module calls it otherwise.
    """
    try:
        stage = importlib.import_module(f"{stages.__name__}.{name}").STAGE
    except (ModuleNotFoundError, AttributeError) as error:
        raise BenchmarkError(f"no stage {name!r}: {error}; there are {', '.join(stage_names())}") from error
    if not isinstance(stage, Stage) or stage.name != name:
        raise BenchmarkError(f"the STAGE of {stages.__name__}.{name} must be a Stage of that name")
    return stage


def find_contender(stage: Stage, name: str) -> Contender:
    """Return the contender of this name.

    Raises:
        BenchmarkError: If the stage has none.
    """
    for contender in stage.contenders:
        if contender.name == name:
            return contender
    raise BenchmarkError(f"stage {stage.name!r} has no contender {name!r}")


def stage_names() -> Sequence[str]:
    """Return the names of all stages in the order of the pipeline; new ones come last."""
    modules = (f"{stages.__name__}.{module.name}" for module in pkgutil.iter_modules(stages.__path__))
    names = {module.rpartition(".")[2] for module in modules if hasattr(importlib.import_module(module), "STAGE")}
    return [name for name in _PIPELINE_ORDER if name in names] + sorted(names - set(_PIPELINE_ORDER))
