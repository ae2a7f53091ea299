"""What a notebook shows of datasets and results."""

import re
from html.parser import HTMLParser

import pytest

from batch_assets import EmbeddingDataset
from batch_assets.notebook import display
from tests.notebook.conftest import NEXT_DAY, SCRIPT, photograph
from tests.world import KEY, NEXT_KEY, World

PICTURE = re.compile(r'<img src="data:image/jpeg;base64,[A-Za-z0-9+/=]+" alt="[^"<>]+">')


class Elements(HTMLParser):
    """The text between the elements, of which none may have an attribute that is an event's handler."""

    def __init__(self, html: str) -> None:
        """Read it."""
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        assert not [name for name, _ in attrs if name.startswith("on")], tag

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data


def test_a_dataset_shows_its_newest_pictures_and_counts(dataset: EmbeddingDataset) -> None:
    """And what its columns mean."""
    html = dataset._repr_html_()
    text = Elements(html).text
    assert len(PICTURE.findall(html)) == len(NEXT_DAY)
    assert f"2 partitions, {KEY} to {NEXT_KEY}" in text
    assert f"photos/{NEXT_KEY}/{NEXT_DAY[0]}" in text
    assert "The vector, as the model gave it" in text


def test_another_table_shows_its_partitions(dataset: EmbeddingDataset) -> None:
    """Without pictures."""
    html = dataset.partition(KEY).table("batch_job")._repr_html_()
    assert "<img" not in html
    assert f"partition {KEY}" in Elements(html).text


def test_results_show_the_pictures_with_their_distance(dataset: EmbeddingDataset) -> None:
    """Nearest first, under what was asked."""
    found = dataset.search("red", top_k=3)
    html = found._repr_html_()
    assert len(PICTURE.findall(html)) == 3
    text = Elements(html).text
    assert "3 pictures nearest to 'red'" in text
    assert [text.index(f"distance {match.distance:.4f}") for match in found] == sorted(
        text.index(f"distance {match.distance:.4f}") for match in found
    )


def test_names_and_queries_are_never_markup(dataset: EmbeddingDataset) -> None:
    """Whatever stands in them is shown as it is."""
    for shown in (dataset.search("<img src=x onerror=alert(1)>", top_k=100), dataset.partition(KEY)):
        html = shown._repr_html_()
        assert "<script" not in html
        assert f"photos/{KEY}/{SCRIPT}" in Elements(html).text
        assert html.count("<img") == len(PICTURE.findall(html)) > len(NEXT_DAY)


@pytest.mark.parametrize(
    ("data", "shown"), [(None, "not available"), (b"no picture", "cannot be shown"), (b"", "cannot be shown")]
)
def test_what_cannot_be_shown_says_so(data: bytes | None, shown: str) -> None:
    """A deleted picture, and one that is none."""
    assert shown in display._figure(display.Tile("s3://bucket/key", ["key"]), data)


def test_a_picture_that_was_deleted_meanwhile_is_missed(world: World) -> None:
    """It is in the table, but no more in S3."""
    world.put_objects({"gone.jpg": photograph("coffee.jpg")})
    bucket = world.settings.source_bucket
    tiles = [display.Tile(f"s3://{bucket}/gone.jpg", ["gone"]), display.Tile(f"s3://{bucket}/never.jpg", ["never"])]
    world.aws.s3.delete_object(Bucket=bucket, Key="never.jpg")
    html = display.pictures(world.aws.s3, tiles)
    world.aws.s3.delete_object(Bucket=bucket, Key="gone.jpg")
    assert (len(PICTURE.findall(html)), html.count("not available")) == (1, 1)


def test_plain_text_names_the_folder_the_choice_and_the_columns(dataset: EmbeddingDataset) -> None:
    """Without a call of any service."""
    told = repr(dataset.between("2026-11-01", KEY))
    assert told.startswith(f"<EmbeddingDataset {dataset.settings.tables_uri}embedding_table/space=")
    assert "from 2026-11-01 00:00:00 until 2026-11-18 00:00:00; columns record_id, " in told
    assert "partition 2026/11/18" not in told


def test_plain_results_are_a_line_a_match(dataset: EmbeddingDataset) -> None:
    """Keys as Python writes them, so that none breaks the line."""
    found = dataset.search("red", top_k=2)
    head, *lines = repr(found).splitlines()
    assert head == "<2 pictures nearest to 'red', by cosine distance>"
    assert lines == [f"  {match.distance:.4f}  {match.key!r}" for match in found]
