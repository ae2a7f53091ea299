"""The conditions of a policy's statement.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or
values": all operators and keys must hold, one of a key's values is enough, and a key that the request does not have
meets only a negated operator, ``...IfExists`` and ``Null``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from batch_assets.sandbox.authorization.wildcards import arn_matches, matches

_IF_EXISTS = "ifexists"
_Test = Callable[[str, str, Mapping[str, str]], bool]


class UnknownConditionError(Exception):
    """An operator that is not judged here; the text names it."""


def _equals(expected: str, actual: str, _: Mapping[str, str]) -> bool:
    return expected == actual


def _equals_ignoring_case(expected: str, actual: str, _: Mapping[str, str]) -> bool:
    return expected.lower() == actual.lower()


_TESTS: dict[str, _Test] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_ignoring_case,
    "stringlike": matches,
    # AWS treats the two alike.
    "arnequals": arn_matches,
    "arnlike": arn_matches,
    "bool": _equals_ignoring_case,
}
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Tell whether all conditions of a statement hold; ``context`` has its keys in lower case.

    Raises:
        UnknownConditionError: For an operator that is not known here.
    """
    return all(
        _holds(operator.lower(), as_list(values), context.get(key.lower()), context)
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )


def _holds(operator: str, values: list[Any], actual: str | None, context: Mapping[str, str]) -> bool:
    if operator == "null":
        return any(str(value).lower() == str(actual is None).lower() for value in values)
    name = operator.removesuffix(_IF_EXISTS)
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None:
        raise UnknownConditionError(operator)
    if actual is None:
        return name in _NEGATED or operator.endswith(_IF_EXISTS)
    return any(test(_text(value), actual, context) for value in values) is not (name in _NEGATED)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_list(value: Any) -> list[Any]:
    """Return the values of an element that may stand alone or in a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
