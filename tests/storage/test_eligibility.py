"""Which objects can be sent to the model, by name and size: the columns say what a plain function says."""

import posixpath

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.storage.eligibility import image_formats, reasons

FORMATS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "gif": "gif", "kjk": "other"}
LIMIT = 3


def expected(key: str, size: int) -> tuple[str | None, str | None]:
    """Format and reason of one object."""
    image_format = FORMATS.get(posixpath.splitext(key)[1].lower().removeprefix("."))
    if key.endswith("/"):
        return image_format, "folder_marker"
    if key.lower().endswith(".jsonl"):
        return image_format, "foreign_jsonl"
    if image_format is None:
        return image_format, "unsupported_format"
    if size == 0:
        return image_format, "empty"
    return image_format, "too_large" if size > LIMIT else None


# The Kelvin sign and the dotted capital I have ASCII letters for small ones, or nearly.
pieces = st.sampled_from(
    [".", "..", "/", "a", "jpg", "JPG", ".jpeg", ".gif", "g\u0130f", ".\u212ajk", ".jsonl", ".JSONL", "\n", "é", " "]
)
keys = st.lists(pieces, min_size=1, max_size=6).map("".join) | st.text(min_size=1).filter(str.isprintable)


@given(st.lists(st.tuples(keys, st.integers(0, LIMIT + 1)), max_size=20))
@settings(deadline=None, max_examples=300)
def test_columns_say_what_a_plain_function_says(objects: list[tuple[str, int]]) -> None:
    """Dots that begin a name, folders, letters of any case, sizes."""
    names = pa.chunked_array([pa.array([key for key, _ in objects], pa.string())])
    sizes = pa.chunked_array([pa.array([size for _, size in objects], pa.int64())])
    image_format = image_formats(names, FORMATS)
    reason = reasons(names, sizes, image_format, max_image_bytes=LIMIT)
    assert list(zip(image_format.to_pylist(), reason.to_pylist(), strict=True)) == [expected(*one) for one in objects]


@given(keys)
@settings(deadline=None, max_examples=300)
def test_a_key_says_the_same_alone(key: str) -> None:
    """Ends of keys that tell all by themselves are read another way than those that do not."""
    names = pa.chunked_array([pa.array([key], pa.string())])
    assert image_formats(names, FORMATS).to_pylist() == [expected(key, 1)[0]]
