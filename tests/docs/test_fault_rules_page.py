"""The tables of fault rules in docs/sandbox.md are complete, and their examples are rules."""

import json
import re
from pathlib import Path

import pytest

from batch_assets.sandbox.faults.call_rule import CallRule
from batch_assets.sandbox.faults.job_rule import JobRule
from batch_assets.sandbox.faults.parsing import parse_rules

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
ROWS = re.findall(r"^\| `(\w+)` \| `(\{.*?\})` \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_field_has_a_row() -> None:
    """And every row a field."""
    assert {field for field, _ in ROWS} == {*CallRule.model_fields, *JobRule.model_fields}


@pytest.mark.parametrize(("field", "example"), ROWS)
def test_example_is_a_rule_with_the_field(field: str, example: str) -> None:
    """It can be copied as it is."""
    (rule,) = parse_rules(json.loads(example))
    assert field in rule.model_fields_set
