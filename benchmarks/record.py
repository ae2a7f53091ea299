"""The results as JSON: what is stored, compared, and made into a page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.figures import ContenderFigures, Figures, StageFigures, ratios
from benchmarks.model import Measure, Stage
from benchmarks.targets import verdicts

_SCHEMA_VERSION = 1
_SIGNIFICANT_DIGITS = 4

Record = Mapping[str, Any]


def stage_record(stage: Stage, figures: StageFigures, *, load_before: float) -> Record:
    """Return everything that is said about a stage; with the load average of the machine just before it."""
    return {
        "load_before": round(load_before, 1),
        "title": stage.title,
        "unit": stage.unit,
        "note": stage.note,
        "size": figures.size,
        "contenders": [_contender_record(contender) for contender in figures.contenders],
        "ratios": {name: _rounded(each) for name, each in ratios(figures).items()},
        "targets": [
            {**asdict(verdict), **_rounded({"value": verdict.value, "margin": verdict.margin})}
            for verdict in verdicts(stage, figures)
        ],
        "growth": {contender.name: _growth(contender.name, figures) for contender in figures.ours()},
    }


def document(machine: Record, stages: Mapping[str, Record], *, quick: bool) -> Record:
    """Return the whole document."""
    return {"schema_version": _SCHEMA_VERSION, "quick": quick, "machine": machine, "stages": stages}


def merged(old: Record | None, new: Record) -> Record:
    """Return the new document with the old one's other stages, if these are of the same kind of run and machine."""
    if old is None or any(old.get(name) != new[name] for name in ("schema_version", "quick", "machine")):
        return new
    return {**new, "stages": {**old["stages"], **new["stages"]}}


def in_order(stored: Record, names: Sequence[str]) -> Record:
    """Return the document with its stages in this order; stages that there no longer are fall out."""
    return {**stored, "stages": {name: stored["stages"][name] for name in names if name in stored["stages"]}}


def read(path: Path) -> Record:
    """Return a stored document.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no JSON, or of a format that is not known here.
    """
    stored: Record = json.loads(path.read_bytes())
    if stored.get("schema_version") != _SCHEMA_VERSION:
        raise ValueError(f"{path}: schema_version {stored.get('schema_version')}, not {_SCHEMA_VERSION}")
    return stored


def write(path: Path, stored: Record) -> None:
    """Store a document, readable in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _contender_record(contender: ContenderFigures) -> Record:
    return {
        "name": contender.name,
        "role": contender.role.value,
        "rounds": contender.rounds,
        "pool": contender.pool,
        "medians": _rounded(contender.medians),
    }


def _growth(name: str, figures: StageFigures) -> Sequence[Record]:
    """Return size, seconds and memory of one of ours at each size."""
    measures = (Measure.WALL, Measure.CPU, Measure.MEMORY)
    return [
        {"size": size, **_rounded({measure.value: contender.medians[measure] for measure in measures})}
        for size in (figures.size, *figures.larger)
        for contender in figures.ours(size)
        if contender.name == name
    ]


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: _round(value) for name, value in figures.items()}


def _round(value: float) -> float:
    number = float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    return int(number) if number == int(number) else number
