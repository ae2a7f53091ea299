"""The pages of settings and columns are what the commands print, and whatever may fail has its section."""

import inspect
import re
from pathlib import Path

import pytest

from batch_assets import errors
from batch_assets.bedrock import ledger
from batch_assets.cli import columns_reference, settings_reference
from batch_assets.settings import Settings
from batch_assets.storage import eligibility
from tests.world import KEY, definitions_of

DOCS = Path(__file__).parents[2] / "docs"
HEADINGS = re.findall(r"^#+ `?(\w+)`?$", (DOCS / "what-to-do.md").read_text(encoding="utf-8"), re.MULTILINE)
STATES = [*ledger.LOADED_AT_ONCE, *ledger.WITH_JOB, ledger.QUEUED]
ERRORS = [
    name
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.BatchAssetsError) and found is not errors.BatchAssetsError
]


def test_settings_are_those_of_the_command() -> None:
    """The table between the marks is what `batch-assets settings` prints."""
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert f"<!-- settings -->\n{settings_reference.reference()}<!-- /settings -->" in page


def test_columns_are_those_of_the_command() -> None:
    """The tables between the marks are what `batch-assets columns` prints."""
    page = (DOCS / "columns.md").read_text(encoding="utf-8")
    assert f"<!-- columns -->\n{columns_reference.reference()}<!-- /columns -->" in page


def test_every_check_has_a_section() -> None:
    """Of those that Dagster loads."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        source_bucket="pictures",
        first_partition=KEY,
        account_id="123456789012",
        role_arn="arn:aws:iam::123456789012:role/bedrock",
        vector_bucket="vectors",
    )
    checks = {key.name for key in definitions_of(settings).resolve_asset_graph().asset_check_keys}
    assert len(checks) > 6
    assert checks - set(HEADINGS) == set()


@pytest.mark.parametrize("name", [*sorted(STATES), "loaded", "listed", *sorted(ERRORS)])
def test_every_state_and_error_has_a_section(name: str) -> None:
    """Each once."""
    assert HEADINGS.count(name) == 1


def test_every_reason_of_a_rejection_has_a_row() -> None:
    """Of those that a name or a size decides."""
    page = (DOCS / "what-to-do.md").read_text(encoding="utf-8")
    reasons = [value for name, value in vars(eligibility).items() if name.isupper() and isinstance(value, str)]
    assert "too_large" in reasons
    assert [reason for reason in reasons if reason.isidentifier() and f"| `{reason}` |" not in page] == []
