"""Which objects can be sent to the model, as far as their names and sizes tell."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

FOLDER_MARKER = "folder_marker"
FOREIGN_JSONL = "foreign_jsonl"
UNSUPPORTED_FORMAT = "unsupported_format"
EMPTY = "empty"
TOO_LARGE = "too_large"

# As `os.path.splitext` has it: dots at the beginning of a file's name begin no extension.
_EXTENSION = r"(?s)[^./][^/]*\.(?P<extension>[^./]*)\z"


def image_formats(keys: pa.ChunkedArray, formats: Mapping[str, str]) -> pa.ChunkedArray:
    """The model's name of each object's format, by the extension in any case; null for one that is not in `formats`."""
    return pa.chunked_array([_formats_of(chunk, formats) for chunk in keys.chunks], pa.string())


def _formats_of(keys: pa.Array, formats: Mapping[str, str]) -> pa.Array:
    # A dot, a letter before it, and the longest extension: of ends there are few, and most tell all.
    longest = max(map(len, formats))
    ends = pc.binary_slice(keys.cast(pa.binary()), -(longest + 2)).dictionary_encode()
    found = ends.dictionary.to_pylist()
    if not all(map(_tells_its_extension, found)):
        return _formats_by_regex(keys, formats)
    parts = (end.decode().rpartition(".") for end in found)
    names = [formats.get(extension.lower()) if dot else None for _, dot, extension in parts]
    return pa.array(names, pa.string()).take(ends.indices)


def _tells_its_extension(end: bytes) -> bool:
    """Whether the end of a key has no extension that is known, or has it after more than the dots of a hidden file."""
    before, dot, _ = end.rpartition(b".")
    return end.isascii() and (not dot or before[-1:] not in {b"", b".", b"/"})


def _formats_by_regex(keys: pa.Array, formats: Mapping[str, str]) -> pa.Array:
    extensions = pc.struct_field(pc.extract_regex(keys, _EXTENSION), "extension").dictionary_encode()
    names = pa.array([formats.get(text.lower()) for text in extensions.dictionary.to_pylist()], pa.string())
    return names.take(extensions.indices)


def reasons(
    keys: pa.ChunkedArray, sizes: pa.ChunkedArray, image_format: pa.ChunkedArray, *, max_image_bytes: int
) -> pa.ChunkedArray:
    """Why each object cannot be sent to the model; null if it can."""
    cases = {
        FOLDER_MARKER: pc.ends_with(keys, "/"),
        FOREIGN_JSONL: is_jsonl(keys),
        UNSUPPORTED_FORMAT: pc.is_null(image_format),
        EMPTY: pc.equal(sizes, 0),
        TOO_LARGE: pc.greater(sizes, max_image_bytes),
    }
    conditions = pc.make_struct(*cases.values(), field_names=list(cases))
    return pc.case_when(conditions, *(pa.scalar(reason, pa.string()) for reason in cases))


def is_jsonl(keys: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Which objects Bedrock would read as job input: by their end, so that a file that is named `.jsonl` is one."""
    return pc.ends_with(pc.ascii_lower(keys), ".jsonl")
