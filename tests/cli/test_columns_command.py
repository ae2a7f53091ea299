"""`batch-assets columns`."""

from batch_assets.table_schemas import table_schemas
from tests.cli.conftest import Command
from tests.world import ASSETS


def test_every_column_of_every_table_is_a_row(command: Command) -> None:
    """With type, whether it may be null, and meaning; no settings are needed to print them."""
    ended = command("columns")
    assert (ended.code, ended.errors) == (0, "")
    assert [line[3:] for line in ended.lines if line.startswith("## ")] == [*ASSETS, "spending"]
    rows = [line.strip("|").split("|") for line in ended.lines if line.startswith("| `")]
    assert all(len(row) == 4 and all(cell.strip() for cell in row) for row in rows)
    expected = [name for schema in table_schemas(256).values() for name in schema.names]
    assert [row[0].strip(" `") for row in rows][: len(expected)] == expected


def test_the_length_of_a_vector_is_named_by_its_setting(command: Command) -> None:
    """Not by one of its values."""
    assert "| `embedding` | `fixed_size_list<float>[dimension]` | no | " in command("columns").output
