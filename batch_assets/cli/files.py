"""Files that a command is asked to write."""

from pathlib import Path

import typer


def in_existing_folder(file: Path | None) -> Path | None:
    """Refuse, as wrong usage and before any work is done, a file whose folder does not exist."""
    if file is not None and not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"{file} cannot be written: {file.absolute().parent} is not a folder")
    return file
