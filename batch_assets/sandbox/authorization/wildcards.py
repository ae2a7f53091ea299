"""Patterns of IAM policies: ``*``, ``?``, and variables such as ``${aws:username}``.

Source: IAM user guide, "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource".
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_SPECIAL = re.compile(r"\$\{([^}]*)\}|[*?]", re.DOTALL)
_PIECE = re.compile(r"\$\{[^}]*\}|.", re.DOTALL)
_LITERALS = ("*", "?", "$")  # ``${*}`` is a star
_ARN_PARTS = 6


def matches(pattern: str, text: str, context: Mapping[str, str]) -> bool:
    """Tell whether a pattern means a text; a variable without a value matches nothing.

    Args:
        pattern: Of a policy.
        text: What a request is about.
        context: Values of variables by names in lower case.
    """
    names = _variables(pattern)
    if any(name.lower() not in context for name in names):
        return False
    values = tuple((name, context[name.lower()]) for name in names)
    return _compiled(pattern, values).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str, context: Mapping[str, str]) -> bool:
    """Tell whether a pattern means an ARN: each part between colons for itself, or all by a lone star."""
    if pattern == "*":
        return True
    patterns, parts = _arn_parts(pattern), arn.split(":", _ARN_PARTS - 1)
    return len(patterns) == len(parts) and all(
        matches(one, other, context) for one, other in zip(patterns, parts, strict=True)
    )


@lru_cache(maxsize=4096)
def _arn_parts(pattern: str) -> tuple[str, ...]:
    """Part a pattern at its colons; one in the name of a variable is none."""
    parts = [""]
    for piece in _PIECE.findall(pattern):
        if piece == ":" and len(parts) < _ARN_PARTS:
            parts.append("")
        else:
            parts[-1] += piece
    return tuple(parts)


@lru_cache(maxsize=4096)
def _variables(pattern: str) -> tuple[str, ...]:
    return tuple(name for name in _SPECIAL.findall(pattern) if name and name not in _LITERALS)


@lru_cache(maxsize=4096)
def _compiled(pattern: str, values: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    known = {**{name: name for name in _LITERALS}, **dict(values)}
    expression, end = "", 0
    for special in _SPECIAL.finditer(pattern):
        expression += re.escape(pattern[end : special.start()])
        wildcard = {"*": ".*", "?": "."}.get(special.group())
        expression += wildcard or re.escape(known[special[1]])
        end = special.end()
    return re.compile(expression + re.escape(pattern[end:]), re.DOTALL)
