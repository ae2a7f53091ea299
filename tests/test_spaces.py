"""Embedding models, spaces and waves."""

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.spaces import (
    MODELS,
    NOVA_MULTIMODAL,
    EmbeddingSpace,
    ImageSource,
    embedding_space,
    equal_wave_records,
)

MINIMUM = NOVA_MULTIMODAL.min_records_per_job
SPACES = [embedding_space(model.model_id, dimension) for model in MODELS.values() for dimension in model.dimensions]


def waves(records: int, maximum: int) -> list[int]:
    """Sizes of the jobs of so many records, each cut from what the earlier ones left."""
    sizes: list[int] = []
    while records:
        sizes.append(equal_wave_records(records, maximum=maximum))
        records -= sizes[-1]
    return sizes


@given(st.integers(0, 1_000_000), st.integers(2 * MINIMUM, 200_000))
@settings(deadline=None)
def test_waves_hold_all_records_in_as_few_equal_parts_as_possible(records: int, maximum: int) -> None:
    """Parts differ by one record at most, and there is none too many."""
    sizes = waves(records, maximum)
    assert sum(sizes) == records
    assert max(sizes, default=0) <= maximum
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert len(sizes) == -(-records // maximum)


@given(st.integers(MINIMUM, 1_000_000), st.integers(2 * MINIMUM, 200_000))
@settings(deadline=None)
def test_no_wave_falls_under_the_minimum(records: int, maximum: int) -> None:
    """Where one job is possible at all, every part is large enough for one."""
    assert min(waves(records, maximum)) >= MINIMUM


@pytest.mark.parametrize(
    ("records", "maximum", "sizes"),
    [(100_001, 100_000, [50_001, 50_000]), (201, 200, [101, 100]), (200, 200, [200]), (3, 200, [3]), (0, 200, [])],
)
def test_waves_by_example(records: int, maximum: int, sizes: list[int]) -> None:
    """One record too many makes two halves, not a full job and a lonely record."""
    assert waves(records, maximum) == sizes


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.slug)
def test_default_index_name_follows_the_naming_rules(space: EmbeddingSpace) -> None:
    """3 to 63 of `a-z 0-9 - .`, with a letter or digit at both ends."""
    name = space.default_index_name
    assert re.fullmatch(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]", name)


def test_distinct_spaces_have_distinct_names() -> None:
    """Neither tables nor indexes of two spaces ever mix."""
    assert len({space.slug for space in SPACES}) == len(SPACES)
    assert len({space.default_index_name for space in SPACES}) == len(SPACES)


def test_nova_index_request_is_the_documented_body() -> None:
    """Fields and values of the schema page of Amazon Nova multimodal embeddings."""
    image = ImageSource("jpeg", uri="s3://pictures/photos/a b.jpg", bucket_owner="123456789012")
    assert embedding_space(NOVA_MULTIMODAL.model_id, 384).index_request(image) == {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {
            "embeddingPurpose": "GENERIC_INDEX",
            "embeddingDimension": 384,
            "image": {
                "detailLevel": "STANDARD_IMAGE",
                "format": "jpeg",
                "source": {"s3Location": {"uri": "s3://pictures/photos/a b.jpg", "bucketOwner": "123456789012"}},
            },
        },
    }


def test_nova_queries_use_the_query_purpose() -> None:
    """Pictures are indexed with one purpose and searched with another."""
    space = embedding_space(NOVA_MULTIMODAL.model_id, 1024)
    by_text = space.text_query("a red car")["singleEmbeddingParams"]
    by_image = space.image_query(ImageSource("png", data=b"bytes"))["singleEmbeddingParams"]
    assert by_text["embeddingPurpose"] == by_image["embeddingPurpose"] == "IMAGE_RETRIEVAL"
    assert by_text["text"] == {"truncationMode": "END", "value": "a red car"}
    assert base64.b64decode(by_image["image"]["source"]["bytes"]) == b"bytes"


def test_jpg_is_called_jpeg() -> None:
    """The model knows no format `jpg`."""
    assert NOVA_MULTIMODAL.formats["jpg"] == "jpeg"
    assert "jpg" not in NOVA_MULTIMODAL.formats.values()


@given(st.integers(1, NOVA_MULTIMODAL.max_inline_image_bytes))
@settings(deadline=None)
def test_an_inline_picture_of_the_limit_fits_after_base64(size_bytes: int) -> None:
    """25 MB are counted after base64, which pads to four letters for three bytes."""
    assert 4 * -(-size_bytes // 3) <= 25_000_000
