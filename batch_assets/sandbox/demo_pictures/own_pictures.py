"""A folder of the user's own pictures, dealt out to as many days as leave each a batch job's minimum.

Fewer than that go to one day: the pipeline embeds so few on demand.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch_assets.sandbox.demo_pictures.demo_object import MINIMUM_PER_DAY, DemoObject

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_MAXIMUM_KEY_BYTES = 1024


class TooFewPicturesError(ValueError):
    """No picture at all, or too few for so many days."""


@dataclass(frozen=True)
class FoundPictures:
    """What lies in a folder.

    Attributes:
        directory: The folder that was searched, with the folders in it.
        files: Its pictures by their file names' endings, sorted.
        skipped: How many other files there are.
    """

    directory: Path
    files: tuple[Path, ...] = field(repr=False)
    skipped: int


def find_pictures(directory: Path) -> FoundPictures:
    """Find the JPEG, PNG, GIF and WebP files in a folder and all folders in it.

    Links to folders are not followed.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a folder; name one that holds pictures")
    files = [Path(folder, name) for folder, _, names in os.walk(directory) for name in names]
    pictures = sorted(file for file in files if file.suffix.lower() in _CONTENT_TYPES and file.is_file())
    return FoundPictures(directory=directory, files=tuple(pictures), skipped=len(files) - len(pictures))


def days_for(count: int) -> int:
    """Tell over how many days so many pictures can be spread with at least 100 on each, or one day with fewer.

    Raises:
        TooFewPicturesError: There is none.
    """
    if count == 0:
        raise TooFewPicturesError("no picture was found: name a folder with JPEG, PNG, GIF or WebP files")
    return max(1, count // MINIMUM_PER_DAY)


def user_objects(found: FoundPictures, template_prefixes: Sequence[str]) -> Iterator[DemoObject]:
    """Deal the found pictures out to key prefixes in turn, reading each when it is asked for.

    A key keeps the file's path inside the folder, so two files of one name stay two objects.

    Args:
        found: What ``find_pictures`` found.
        template_prefixes: Key prefixes, one a day, each with its trailing slash; at most
            ``days_for(len(found.files))`` of them.

    Raises:
        TooFewPicturesError: A prefix would hold fewer than 100 pictures.
        ValueError: No prefix, or two equal ones.
    """
    most = days_for(len(found.files))
    if not template_prefixes or len(set(template_prefixes)) != len(template_prefixes):
        raise ValueError(f"Prefixes for the pictures must be given and differ, not {list(template_prefixes)}")
    if len(template_prefixes) > most:
        raise TooFewPicturesError(
            f"{len(found.files)} pictures fill {most} days of at least {MINIMUM_PER_DAY}, not {len(template_prefixes)}"
        )
    return _read(found, template_prefixes)


def _read(found: FoundPictures, prefixes: Sequence[str]) -> Iterator[DemoObject]:
    for number, file in enumerate(found.files):
        yield DemoObject(
            key=_key(prefixes[number % len(prefixes)], file.relative_to(found.directory)),
            data=file.read_bytes(),
            content_type=_CONTENT_TYPES[file.suffix.lower()],
        )


def _key(prefix: str, path: Path) -> str:
    """Join prefix and path; a path that no S3 key can hold is replaced by its digest."""
    raw = os.fsencode(path.as_posix())
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = ""
    if not name or len(prefix.encode()) + len(raw) > _MAXIMUM_KEY_BYTES:
        name = hashlib.sha256(raw).hexdigest()[:32] + path.suffix.lower()
    return prefix + name
