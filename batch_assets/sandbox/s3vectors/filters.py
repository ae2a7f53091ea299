"""The metadata filter language of QueryVectors.

Operators, their input types and the count of constraints are those of "Metadata filtering",
Amazon S3 User Guide. The page leaves some things open; here they are settled so:

- a list in the metadata satisfies any positive comparison that one of its elements does
  (the page says so of ``$eq`` alone);
- ``$ne`` and ``$nin`` are the exact negations of ``$eq`` and ``$in``, so they also match
  vectors that lack the key;
- booleans and numbers are different types: ``true`` does not equal ``1``;
- an empty filter, and an empty object of operators, are refused.
"""

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3vectors import limits

Predicate = Callable[[Mapping[str, Any]], bool]
_ElementTest = Callable[[Any], bool]

_MAX_DEPTH = 32
_RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def compile_filter(document: object, *, non_filterable: Collection[str], enhanced: bool) -> Predicate:
    """Turn a filter document into a test of one vector's metadata.

    Args:
        document: The parsed ``filter`` member.
        non_filterable: Metadata keys of the index that no filter may name.
        enhanced: Whether the query runs in ENHANCED mode: ``$startsWith`` is available and
            at most 100 constraints are allowed.

    Raises:
        ModelledError: ``ValidationException`` naming what is wrong.
    """
    compiler = _Compiler(non_filterable, enhanced=enhanced)
    predicate = compiler.conjunction(document, depth=0)
    if enhanced and compiler.constraints > limits.FILTER_MAX_CONSTRAINTS:
        raise _invalid(
            f"a filter can have at most {limits.FILTER_MAX_CONSTRAINTS} constraints, but has {compiler.constraints}"
        )
    return predicate


class _Compiler:
    """One pass over a filter document; counts constraints on the way."""

    def __init__(self, non_filterable: Collection[str], *, enhanced: bool) -> None:
        self._non_filterable = non_filterable
        self._enhanced = enhanced
        self.constraints = 0

    def conjunction(self, document: object, *, depth: int) -> Predicate:
        if not isinstance(document, Mapping) or not document:
            raise _invalid("a filter must be a non-empty JSON object")
        if depth > _MAX_DEPTH:
            raise _invalid(f"nested deeper than {_MAX_DEPTH} levels")
        parts = [self._entry(name, value, depth=depth) for name, value in document.items()]
        return parts[0] if len(parts) == 1 else lambda metadata: all(part(metadata) for part in parts)

    def _entry(self, name: str, value: object, *, depth: int) -> Predicate:
        if name in ("$and", "$or"):
            return self._logical(name, value, depth=depth)
        if name.startswith("$"):
            raise _invalid(f"unknown operator '{name}'")
        if name in self._non_filterable:
            raise _invalid(f"metadata key '{name}' is not filterable")
        if not isinstance(value, Mapping):
            return self._comparison(name, "$eq", value)
        if not value:
            raise _invalid(f"no operator for metadata key '{name}'")
        parts = [self._comparison(name, op, operand) for op, operand in value.items()]
        return parts[0] if len(parts) == 1 else lambda metadata: all(part(metadata) for part in parts)

    def _logical(self, name: str, value: object, *, depth: int) -> Predicate:
        if not isinstance(value, list) or not value:
            raise _invalid(f"'{name}' takes a non-empty array of filters")
        parts = [self.conjunction(part, depth=depth + 1) for part in value]
        combine = all if name == "$and" else any
        return lambda metadata: combine(part(metadata) for part in parts)

    def _comparison(self, key: str, op: str, operand: object) -> Predicate:
        self.constraints += len(operand) if isinstance(operand, list) else 1
        if op == "$exists":
            if not isinstance(operand, bool):
                raise _invalid("'$exists' takes a boolean")
            return lambda metadata: (key in metadata) is operand
        if op in ("$ne", "$nin"):
            test = self._element_test({"$ne": "$eq", "$nin": "$in"}[op], operand, written_as=op)
            return lambda metadata: not _any_element(metadata, key, test)
        test = self._element_test(op, operand, written_as=op)
        return lambda metadata: _any_element(metadata, key, test)

    def _element_test(self, op: str, operand: object, *, written_as: str) -> _ElementTest:
        if op == "$eq":
            return _equals(operand, written_as)
        if op == "$in":
            return _is_in(operand, written_as)
        if op in _RANGES:
            return _in_range(op, operand)
        if op == "$startsWith":
            return self._starts_with(operand)
        raise _invalid(f"unknown operator '{op}'")

    def _starts_with(self, operand: object) -> _ElementTest:
        if not self._enhanced:
            raise _invalid("'$startsWith' requires the ENHANCED query mode")
        if not isinstance(operand, str):
            raise _invalid("'$startsWith' takes a string")
        return lambda value: isinstance(value, str) and value.startswith(operand)


def _equals(operand: object, written_as: str) -> _ElementTest:
    if not isinstance(operand, str | int | float):
        raise _invalid(f"'{written_as}' takes a string, number or boolean")
    wanted = _typed(operand)
    return lambda value: _typed(value) == wanted


def _is_in(operand: object, written_as: str) -> _ElementTest:
    if not isinstance(operand, list) or not operand:
        raise _invalid(f"'{written_as}' takes a non-empty array")
    if not all(isinstance(element, str | int | float) for element in operand):
        raise _invalid(f"'{written_as}' takes an array of strings, numbers and booleans")
    wanted = {_typed(element) for element in operand}
    return lambda value: _typed(value) in wanted


def _in_range(op: str, operand: object) -> _ElementTest:
    if not _is_number(operand):
        raise _invalid(f"'{op}' takes a number")
    compare = _RANGES[op]
    return lambda value: _is_number(value) and compare(value, operand)


def _any_element(metadata: Mapping[str, Any], key: str, test: _ElementTest) -> bool:
    if key not in metadata:
        return False
    value = metadata[key]
    return any(map(test, value)) if isinstance(value, list) else test(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed(value: object) -> tuple[bool, object]:
    """Return the value such that ``True`` and ``1`` differ while ``1`` and ``1.0`` do not."""
    return isinstance(value, bool), value


def _invalid(reason: str) -> ModelledError:
    return validation_error(f"Invalid filter: {reason}", path="/filter")
