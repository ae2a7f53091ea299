"""`EmbeddingDataset.search`: words, pictures in every form, and keys."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from batch_assets import EmbeddingDataset
from batch_assets.errors import SearchError, SourceError
from batch_assets.notebook.results import SearchResults
from tests.notebook.conftest import FIRST_DAY, photograph
from tests.world import KEY, NEXT_KEY, World, deployment_settings

COFFEE = f"photos/{KEY}/coffee.jpg"


def keys(results: SearchResults) -> list[str]:
    """Keys of the matches."""
    return [match.key for match in results]


def as_file(folder: Path, _: World) -> Path:
    """The picture in a file."""
    (folder / "query.jpg").write_bytes(photograph("coffee.jpg"))
    return folder / "query.jpg"


def as_bytes(_: Path, __: World) -> bytes:
    """The picture as it is."""
    return photograph("coffee.jpg")


def as_image(_: Path, __: World) -> Image.Image:
    """The picture as Pillow has it, without the file that it came from."""
    return Image.open(io.BytesIO(photograph("coffee.jpg"))).convert("RGB")


def as_transparent_image(_: Path, __: World) -> Image.Image:
    """The picture with an alpha channel, which JPEG cannot carry."""
    return Image.open(io.BytesIO(photograph("coffee.jpg"))).convert("RGBA")


def as_uri(_: Path, world: World) -> str:
    """The picture in S3."""
    return f"s3://{world.settings.source_bucket}/{COFFEE}"


@pytest.mark.parametrize("form", [as_file, as_bytes, as_image, as_transparent_image, as_uri])
def test_a_picture_finds_itself(
    dataset: EmbeddingDataset, world: World, tmp_path: Path, form: Callable[[Path, World], Any]
) -> None:
    """In every form in which a notebook has one."""
    (nearest,) = dataset.search(image=form(tmp_path, world), top_k=1)
    assert nearest.key == COFFEE
    assert nearest.distance < 0.01


def test_words_find_pictures_in_the_order_of_distance(dataset: EmbeddingDataset) -> None:
    """As many as are asked for."""
    found = dataset.search("green", top_k=5)
    distances = [match.distance for match in found]
    assert (len(found), distances) == (5, sorted(distances))
    assert keys(found)[0] == f"photos/{KEY}/flower.jpg"


def test_a_loaded_picture_finds_others_than_itself(dataset: EmbeddingDataset) -> None:
    """Without a call of the model."""
    found = dataset.search(key=COFFEE, top_k=3)
    assert len(found) == 3
    assert COFFEE not in keys(found)


def test_a_search_stays_within_the_chosen_partitions(dataset: EmbeddingDataset) -> None:
    """Also when the picture that it is asked with lies in another."""
    found = dataset.partition(NEXT_KEY).search(key=COFFEE, top_k=100)
    assert {match.metadata["partition"] for match in found} == {NEXT_KEY}
    assert len(dataset.between(None, KEY).search("red", top_k=100)) == len(FIRST_DAY) + 1


def test_results_are_a_table(dataset: EmbeddingDataset) -> None:
    """Key, distance and the metadata of each match, times as times; a part of them is results again."""
    found = dataset.search("red", top_k=4)
    frame = found.to_pandas()
    assert frame["key"].tolist() == keys(found)
    assert frame["last_modified"].dt.year.min() >= 2026
    assert found[1:3].to_arrow()["key"].to_pylist() == keys(found)[1:3]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "search with one of text, image and key, not with none"),
        ({"text": "red", "key": "a"}, "not with text and key"),
        ({"text": " "}, "the text has 1 characters"),
        ({"key": "photos/none.jpg"}, "has no vector of 'photos/none.jpg'"),
        ({"image": b"no picture"}, "the 10 bytes are no picture"),
        ({"image": "missing.jpg"}, "missing.jpg cannot be read: No such file or directory"),
        ({"image": "README.md"}, "the model takes .jpg"),
        ({"text": "red", "top_k": 0}, "top_k must be between 1 and 10,000"),
    ],
)
def test_what_cannot_be_searched_with_is_refused(
    dataset: EmbeddingDataset, asked: dict[str, Any], message: str
) -> None:
    """With what is wrong with it."""
    with pytest.raises(SearchError, match=message):
        dataset.search(**asked)


def test_a_picture_that_is_not_in_s3_is_refused(dataset: EmbeddingDataset, world: World) -> None:
    """By its address."""
    with pytest.raises(SourceError, match=r"nothing\.jpg: the object does not exist"):
        dataset.search(image=f"s3://{world.settings.source_bucket}/photos/{KEY}/nothing.jpg")


def test_an_index_that_does_not_exist_is_refused(world: World) -> None:
    """Whatever is searched with."""
    empty = EmbeddingDataset(deployment_settings(world.aws))
    with pytest.raises(SearchError, match="does not exist: load a partition first"):
        empty.search("red")
    with pytest.raises(SearchError, match="does not exist: load a partition first"):
        empty.search(key=COFFEE)
