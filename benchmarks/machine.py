"""The machine that figures belong to: processor, cores, memory, Python and libraries, no name."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "boto3",
    "botocore",
    "duckdb",
    "faiss-cpu",
    "msgspec",
    "numpy",
    "obstore",
    "orjson",
    "pandas",
    "polars",
    "pyarrow",
    "pysimdjson",
)


def describe_machine() -> Mapping[str, Any]:
    """Return what a reader needs to know of it; libraries that are not installed are left out."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_bytes / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": _versions(_LIBRARIES),
    }


def machine_line(machine: Mapping[str, Any]) -> str:
    """Return the machine in one sentence."""
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}; {libraries}."
    )


def _versions(names: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", information.read_text(encoding="utf-8"), re.MULTILINE)
        if named:
            return named[1].strip()
    return platform.processor() or platform.machine()
