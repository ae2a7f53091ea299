"""`batch-assets search` over two loaded partitions."""

import importlib.resources
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures


def photograph(name: str) -> bytes:
    """A photograph of the package."""
    return (importlib.resources.files("batch_assets.sandbox") / "pictures" / name).read_bytes()


ODD_NAME = "a [bold]b[/] :cat: ü.jpg"


@pytest.fixture(scope="module")
def loaded(still: Aws) -> Iterator[World]:
    """A hundred pictures on each of two days; on the second also two photographs, one with an odd name."""
    with new_world(still) as world:
        world.put(pictures(100))
        world.put(
            {**pictures(100, first=100), "coffee.jpg": photograph("coffee.jpg"), ODD_NAME: photograph("astronaut.jpg")},
            NEXT_KEY,
        )
        for key in (KEY, NEXT_KEY):
            world.plan(key)
        world.finish_jobs()
        for key in (KEY, NEXT_KEY):
            world.load(key)
        yield world


@pytest.fixture
def search(command: Command, loaded: World) -> Command:
    """The command for the loaded deployment."""
    return command.use(loaded.settings)


def found(search: Command, *arguments: str) -> list[Any]:
    """The matches that `--json` prints."""
    ended = search("search", "--json", *arguments)
    assert (ended.code, ended.errors) == (0, "")
    matches: list[Any] = json.loads(ended.output)
    return matches


def partitions(matches: list[Any]) -> set[str]:
    """Partitions of the matches."""
    return {match["metadata"]["partition"] for match in matches}


def test_words_find_pictures_of_their_colour(search: Command, loaded: World) -> None:
    """Nearest first, ten unless told."""
    matches = found(search, "--text", "red")
    assert len(matches) == 10
    body = loaded.aws.s3.get_object(Bucket=loaded.settings.source_bucket, Key=matches[0]["key"])["Body"].read()
    with Image.open(io.BytesIO(body)) as nearest:
        red, green, blue = nearest.convert("RGB").resize((1, 1)).tobytes()
    assert red > 2 * max(green, blue)
    assert matches == sorted(matches, key=lambda match: match["distance"])


def test_a_file_finds_its_like(search: Command, tmp_path: Path) -> None:
    """A picture from this machine is nearest to its copy in the index."""
    (tmp_path / "query.jpg").write_bytes(photograph("coffee.jpg"))
    nearest = found(search, "--image", "query.jpg")[0]
    assert nearest["key"] == f"photos/{NEXT_KEY}/coffee.jpg"
    assert nearest["distance"] == pytest.approx(0, abs=1e-4)


def test_an_object_in_s3_finds_itself(search: Command, loaded: World) -> None:
    """By its URI, whatever its name."""
    uri = f"s3://{loaded.settings.source_bucket}/photos/{NEXT_KEY}/{ODD_NAME}"
    nearest = found(search, "--image", uri)[0]
    assert nearest["metadata"]["s3_uri"] == uri


def test_top_k_is_the_number_of_results(search: Command) -> None:
    """Also beyond one page of the service, and up to all there are."""
    assert len(found(search, "--text", "red", "--top-k", "3")) == 3
    assert len(found(search, "--text", "red", "--top-k", "150")) == 150
    assert len(found(search, "--text", "red", "--top-k", "10000")) == 202


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--partition", KEY], {KEY}),
        (["--partition", "2026-11-18"], {KEY}),
        (["--partition", KEY, "--partition", NEXT_KEY], {KEY, NEXT_KEY}),
        (["--since", NEXT_KEY], {NEXT_KEY}),
        (["--since", "2026-11-19"], {NEXT_KEY}),
        (["--until", KEY], {KEY}),
        (["--until", "2026-11-18"], {KEY}),
        (["--since", "2026-11-01", "--until", NEXT_KEY], {KEY, NEXT_KEY}),
        (["--since", KEY, "--until", NEXT_KEY, "--partition", NEXT_KEY], {NEXT_KEY}),
    ],
)
def test_results_are_narrowed_to_partitions(search: Command, options: list[str], expected: set[str]) -> None:
    """By keys and by dates; both ends are included."""
    assert partitions(found(search, "--text", "red", "--top-k", "500", *options)) == expected


def test_a_date_without_pictures_finds_nothing(search: Command) -> None:
    """That is an answer, not an error."""
    assert found(search, "--text", "red", "--partition", "2026-11-20") == []
    assert search("search", "--text", "red", "--partition", "2026-11-20").output == "Nothing was found.\n"


def test_people_get_a_table(search: Command, loaded: World) -> None:
    """Rank, distance and key; nothing in a key is taken for markup."""
    uri = f"s3://{loaded.settings.source_bucket}/photos/{NEXT_KEY}/{ODD_NAME}"
    lines = search("search", "--image", uri, "--top-k", "2").lines
    assert lines[0].split() == ["#", "distance", "picture"]
    assert lines[1].split(maxsplit=2) == ["1", "0.0000", f"photos/{NEXT_KEY}/{ODD_NAME}"]
    assert len(lines) == 3


def test_a_contact_sheet_shows_the_pictures(search: Command, tmp_path: Path) -> None:
    """One file with every result in it; with `--json` standard output stays JSON."""
    ended = search("search", "--text", "red", "--top-k", "4", "--html", "found.html")
    assert ended.lines[-1] == "contact sheet: found.html"
    assert (tmp_path / "found.html").read_text(encoding="utf-8").count("<img ") == 4
    assert len(found(search, "--text", "red", "--top-k", "5", "--html", "found.html")) == 5
    assert (tmp_path / "found.html").read_text(encoding="utf-8").count("<img ") == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either --text or --image"),
        (["--text", "red", "--image", "a.png"], "give either --text or --image"),
        (["--text", "red", "--top-k", "0"], "--top-k"),
        (["--text", "red", "--top-k", "10001"], "--top-k"),
        (["--text", "red", "--since", "yesterday"], "--since: 'yesterday' is no partition key like 2026/11/18 and no"),
        (["--text", "red", "--until", "2026-02-30"], "--until: '2026-02-30' is no partition key"),
        (["--text", "red", "--partition", "2026/13/01"], "--partition: '2026/13/01' is no partition key"),
        (["--text", "red", "--since", NEXT_KEY, "--until", KEY], f"{NEXT_KEY} is after {KEY}"),
        (["--image", "nowhere.png"], "--image: nowhere.png cannot be read: No such file or directory"),
        (["--image", "."], "--image: . cannot be read: Is a directory"),
        (["--text", "red", "--html", "nowhere/found.html"], "nowhere/found.html cannot be written"),
        (["red"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_told(search: Command, arguments: list[str], said: str) -> None:
    """One clear message that names the option, and exit code 2."""
    assert said in search.refused("search", *arguments, code=2)


def test_a_format_that_the_model_does_not_take_is_refused(search: Command, tmp_path: Path) -> None:
    """The message lists those that it takes."""
    (tmp_path / "query.tiff").write_bytes(b"any")
    assert search.refused("search", "--image", "query.tiff", code=1).startswith(
        "Error: query.tiff: the model takes .jpg, .jpeg, .png, .gif, .webp"
    )


def test_a_file_that_is_no_picture_is_refused(search: Command, tmp_path: Path) -> None:
    """By the model, whose message is shown."""
    (tmp_path / "query.png").write_bytes(b"no picture")
    refusal = search.refused("search", "--image", "query.png", code=1)
    assert "refuses the query" in refusal
    assert "no JPEG, PNG, GIF or WebP picture" in refusal


def test_an_empty_text_is_refused(search: Command) -> None:
    """With the model's limit."""
    assert "the text has 0 characters" in search.refused("search", "--text", "", code=1)


@pytest.mark.parametrize("uri", ["s3://", "s3:///key.png"])
def test_an_uri_without_a_bucket_is_refused(search: Command, uri: str) -> None:
    """With the form that is meant."""
    assert "write s3://<bucket>/<key>" in search.refused("search", "--image", uri, code=1)


def test_an_object_that_is_not_there_is_refused(search: Command, loaded: World) -> None:
    """With its URI."""
    uri = f"s3://{loaded.settings.source_bucket}/photos/{KEY}/none.png"
    assert f"Error: {uri}: the object does not exist" in search.refused("search", "--image", uri, code=1)


def test_an_index_that_is_not_there_is_refused(command: Command, world: World) -> None:
    """Before the first load, the message says what to do."""
    refusal = command.use(world.settings).refused("search", "--text", "red", code=1)
    assert f"of vector bucket '{world.settings.vector_bucket}' does not exist: load a partition first" in refusal
