"""From what a person wrote to rules, or to a message that names the field."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types
from pydantic import ValidationError

from batch_assets.sandbox.faults.call_rule import CallRule
from batch_assets.sandbox.faults.job_rule import JobRule

RawRule = Mapping[str, Any]
Rule = CallRule | JobRule


class FaultRuleError(ValueError):
    """Rules that cannot be used; the message names the rule and the field."""


def parse_rules(rules: Any) -> list[Rule]:
    """Check a rule or a list of rules: those with a ``service`` concern calls, the others batch jobs.

    Raises:
        FaultRuleError: The first thing that is wrong.
    """
    listed = rules if isinstance(rules, list) else [rules]
    return [_parse(number, rule) for number, rule in enumerate(listed, start=1)]


def read_rules(path: Path) -> list[RawRule]:
    """Read and check a YAML or JSON file with a rule or a list of rules.

    Raises:
        FaultRuleError: The file cannot be read, is neither YAML nor JSON, or a rule is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FaultRuleError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FaultRuleError(f"{path} is neither YAML nor JSON: {error}") from error
    rules: Sequence[RawRule] = content if isinstance(content, list) else [content]
    try:
        parse_rules(rules)
    except FaultRuleError as error:
        raise FaultRuleError(f"{path}: {error}") from error
    return list(rules)


def _parse(number: int, rule: Any) -> Rule:
    if not isinstance(rule, Mapping) or not rule:
        raise FaultRuleError(f"rule {number}: expected fields and their values, not {rule!r}")
    kind: type[Rule] = CallRule if "service" in rule else JobRule
    try:
        return kind.model_validate(dict(rule))
    except ValidationError as error:
        raise FaultRuleError(f"rule {number}: {_told(error, kind)}") from error


def _told(error: ValidationError, kind: type[Rule]) -> str:
    found = error.errors()[0]
    field = ".".join(map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        return f"{field}: unknown; {_KNOWN[kind]} has {', '.join(kind.model_fields)}"
    text = found["msg"].removeprefix("Value error, ")
    text = f"{text[:1].lower()}{text[1:]}"
    shown = repr(found["input"])
    if found["type"] != "missing" and field and shown not in text:
        text = f"{text}, not {shown}"
    return f"{field}: {text}".removeprefix(": ")


_KNOWN: Mapping[type[Rule], str] = {
    CallRule: "a rule about calls (one with service)",
    JobRule: "a rule about jobs (one without service)",
}
