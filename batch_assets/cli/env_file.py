"""The `.env` that `batch-assets init` writes: what was answered, and every other setting as a comment."""

import io
import re
import textwrap
from collections.abc import Mapping

from dotenv import dotenv_values

from batch_assets.errors import BatchAssetsError
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings

_PLAIN = re.compile(r"[A-Za-z0-9_%:/.@+=,-]+")
_WIDTH = 100
_HEAD = """\
# Settings of batch-assets, read from the folder in which Dagster and batch-assets are started.
# The same variables in the environment win. Credentials do not belong here: they come from the usual AWS settings.
"""
_OTHERS = "\n# All other settings, with their defaults: take away the # of those that you change.\n"


def env_file(answers: Mapping[str, str]) -> str:
    """The text of the file, which reads back as the answers (setting names to values).

    Raises:
        BatchAssetsError: A value cannot be written so that it is read back, such as one with `${`.
    """
    answered = "".join(_entry(name, f"{_variable(name)}={_quoted(value)}") for name, value in answers.items())
    others = (name for name in Settings.model_fields if name not in answers)
    text = _HEAD + answered + _OTHERS + "".join(_entry(name, f"#{_variable(name)}={_default(name)}") for name in others)
    read = dotenv_values(stream=io.StringIO(text))
    for name, value in answers.items():
        if read[_variable(name)] != value:
            raise BatchAssetsError(f"{_variable(name)}={value!r} cannot be kept in a .env: set it in the environment")
    return text


def _entry(name: str, line: str) -> str:
    description = str(Settings.model_fields[name].description)
    comment = textwrap.fill(description, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return f"\n{comment}\n{line}\n"


def _variable(name: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    return "" if field.is_required() else str(field.default)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
