"""`/api/search` and `/api/about`: what is found, page by page, and what is refused."""

from typing import Any

import pytest

from batch_assets.gallery import rankings
from tests.gallery.conftest import COPIES, DAGSTER_URL, NOTE, ON_FIRST_DAY, ON_NEXT_DAY, SCRIPT_NAME, Gallery
from tests.world import KEY, NEXT_KEY

FIRST_DATE, NEXT_DATE = "2026-11-18", "2026-11-19"
ALL = ON_FIRST_DAY + ON_NEXT_DAY


def scrolled(gallery: Gallery, **query: Any) -> list[dict[str, Any]]:
    """All results, page by page."""
    found: list[dict[str, Any]] = []
    offset: int | None = 0
    while offset is not None:
        page = gallery.json("search", offset=offset, **query)
        assert page["milliseconds"] >= 0
        found += page["results"]
        assert page["next_offset"] in {None, len(found)}
        offset = page["next_offset"]
    return found


def keys(results: list[dict[str, Any]]) -> list[str]:
    return [result["key"] for result in results]


def test_about_tells_of_the_deployment(gallery: Gallery) -> None:
    """Names, dates and limits; the page needs no other source."""
    settings = gallery.world.settings
    assert gallery.json("about") == {
        "index": settings.index_name,
        "vector_bucket": settings.vector_bucket,
        "source_bucket": settings.source_bucket,
        "model_id": settings.model_id,
        "dimension": 256,
        "granularity": "daily",
        "formats": ["gif", "jpeg", "png", "webp"],
        "first_date": FIRST_DATE,
        "last_date": NEXT_DATE,
        "count": ALL,
        "dagster_url": DAGSTER_URL,
        "max_upload_bytes": 18_750_000,
        "note": NOTE,
    }


def test_a_picture_finds_its_like(gallery: Gallery) -> None:
    """Itself first, then its copies, with all that the page shows of them."""
    results = gallery.json("search", key=gallery.key("coffee.jpg"), limit=COPIES + 1)["results"]
    first = results[0]
    assert first["distance"] == pytest.approx(0, abs=1e-6)
    assert {key: first[key] for key in ("key", "partition", "format")} == {
        "key": gallery.key("coffee.jpg"),
        "partition": NEXT_KEY,
        "format": "jpeg",
    }
    row = next(row for row in gallery.world.rows("embedding_table", NEXT_KEY) if row["key"] == first["key"])
    assert first["size_bytes"] == row["size"]
    assert first["last_modified"] == row["last_modified"].replace(microsecond=0).isoformat()
    assert all("coffee" in key for key in keys(results))


def test_words_find_pictures(gallery: Gallery) -> None:
    """Nearest first, and each of them once however far somebody scrolls."""
    found = scrolled(gallery, text="red", limit=30)
    assert len(set(keys(found))) == len(found) == ALL
    distances = [result["distance"] for result in found]
    assert distances == sorted(distances)


def test_scrolling_does_not_search_again(gallery: Gallery) -> None:
    """Neither the model nor the index is asked twice for the same; a page of the service is 100 results."""
    aws = gallery.world.aws
    aws.control("calls", method="DELETE")
    for _ in range(2):
        scrolled(gallery, text="a blue one", limit=20)
    counts = aws.control("calls")
    assert counts["bedrock-runtime"]["InvokeModel"]["calls"] == 1
    assert counts["s3vectors"]["QueryVectors"]["calls"] == 2


def test_a_deeper_search_goes_on_where_the_first_ended(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most people never scroll so far; who does misses nothing and sees nothing twice."""
    monkeypatch.setattr(rankings, "_DEPTHS", (50, 10_000))
    found = scrolled(gallery, text="a yellow one", limit=40)
    assert len(set(keys(found))) == len(found) == ALL
    distances = [result["distance"] for result in found]
    assert distances == sorted(distances)


def test_nothing_asked_shows_the_newest(gallery: Gallery) -> None:
    """The last day first, without distances, and without a look at a vector."""
    gallery.world.aws.control("calls", method="DELETE")
    found = scrolled(gallery, limit=40)
    assert len(set(keys(found))) == len(found) == ALL
    assert [result["partition"] for result in found] == [NEXT_KEY] * ON_NEXT_DAY + [KEY] * ON_FIRST_DAY
    assert {result["distance"] for result in found} == {None}
    assert "s3vectors" not in gallery.world.aws.control("calls")


def test_empty_values_ask_for_nothing(gallery: Gallery) -> None:
    """As a form with empty fields sends them."""
    empty = dict.fromkeys(("text", "key", "vector", "since", "until", "format", "min_size_bytes", "offset"), "")
    assert gallery.json("search", **empty)["results"] == gallery.json("search")["results"]


@pytest.mark.parametrize("query", [{}, {"text": "red"}])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": NEXT_DATE}, ON_NEXT_DAY),
        ({"until": FIRST_DATE}, ON_FIRST_DAY),
        ({"since": FIRST_DATE, "until": NEXT_DATE}, ALL),
        ({"since": NEXT_KEY, "until": NEXT_KEY}, ON_NEXT_DAY),
        ({"since": "2026-11-20"}, 0),
        ({"format": "png"}, ON_FIRST_DAY),
        ({"format": ["png", "jpeg"]}, ALL),
        ({"format": "gif"}, 0),
        ({"min_size_bytes": 5_000}, ON_NEXT_DAY),
        ({"max_size_bytes": 5_000}, ON_FIRST_DAY),
        ({"min_size_bytes": 5_000, "until": FIRST_DATE}, 0),
    ],
)
def test_results_are_filtered(gallery: Gallery, query: dict[str, str], filters: dict[str, Any], expected: int) -> None:
    """In the same way, whether something is searched for or not; both dates are included."""
    assert len(scrolled(gallery, **query, **filters, limit=200)) == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": 0}, "limit=0: write 1 to 200"),
        ({"limit": 201}, "limit=201: write 1 to 200"),
        ({"limit": -1}, "limit='-1': write a whole number"),
        ({"offset": "1e3"}, "offset='1e3': write a whole number"),
        ({"offset": "٣"}, "offset='٣': write a whole number"),
        ({"offset": "9" * 400}, "write a whole number"),
        ({"min_size_bytes": "1.5"}, "min_size_bytes='1.5': write a whole number"),
        ({"min_size_bytes": 2, "max_size_bytes": 1}, "min_size_bytes=2 is more than max_size_bytes=1"),
        ({"format": "tiff"}, "format=tiff: there are gif, jpeg, png, webp"),
        ({"since": "yesterday"}, "'yesterday' is no partition key like 2026/11/18 and no date like"),
        ({"until": "2026-02-30"}, "'2026-02-30' is no partition key"),
        ({"since": NEXT_DATE, "until": FIRST_DATE}, f"{NEXT_DATE} is after {FIRST_DATE}"),
        ({"text": "red", "key": "photos/a.png"}, "text and key were given: search with one of text, key, vector"),
        ({"text": "a" * 8193}, "the text has 8193 characters: write 1 to 8192"),
        ({"text": " "}, "the text has 1 characters"),
        ({"vector": "!"}, "no base64url text"),
        ({"vector": "AAAA"}, "vector has 3 numbers, not 256"),
        ({"vector": "ü"}, "no base64url text"),
        ({"vector": "A" * 342 + "A"}, "vector has"),
    ],
)
def test_wrong_input_is_told(gallery: Gallery, query: dict[str, Any], said: str) -> None:
    """One message that names what is wrong."""
    assert said in gallery.refused("search", 400, **query)


def test_an_offset_beyond_the_end_finds_nothing(gallery: Gallery) -> None:
    """That is an answer, not an error."""
    for query in ({}, {"text": "red"}):
        page = gallery.json("search", offset=1_000_000, **query)
        assert (page["results"], page["next_offset"]) == ([], None)


def test_a_picture_that_is_not_indexed_has_no_like(gallery: Gallery) -> None:
    """The message names it and the index."""
    key = gallery.key("nobody.jpg")
    assert gallery.refused("search", 404, key=key).startswith(f"{key!r} is not in index")


def test_a_key_with_markup_is_data(gallery: Gallery) -> None:
    """It is found and told as it is, in JSON that no browser takes for a page."""
    response = gallery.get("search", key=gallery.key(SCRIPT_NAME), limit=1)
    assert keys(response.json()["results"]) == [gallery.key(SCRIPT_NAME)]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_what_aws_refuses_is_told(gallery: Gallery) -> None:
    """With the service's message, and the search works again when the service does."""
    denied = {"code": "AccessDeniedException", "status": 403, "message": "not allowed to ask"}
    gallery.world.fault(service="s3vectors", operation="QueryVectors", error=denied, times=1)
    refusal = gallery.refused("search", 502, text="green")
    assert "cannot query index" in refusal
    assert "not allowed to ask" in refusal
    assert "the credentials lack a permission" in refusal
    assert len(gallery.json("search", text="green")["results"]) == 48
