"""A query vector as text."""

import contextlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.gallery.query_vector import decoded, encoded
from batch_assets.gallery.refusal import RequestError


@pytest.mark.parametrize("dimension", [256, 384, 1024, 3072])
def test_a_vector_keeps_its_direction(dimension: int) -> None:
    """Within a ten-thousandth of a cosine distance, in text that any address can hold."""
    vector = np.random.default_rng(dimension).standard_normal(dimension, dtype=np.float32) * 17
    text = encoded(vector)
    assert re.fullmatch("[-A-Za-z0-9_]+", text)
    again = decoded(text, dimension=dimension)
    assert again.dtype == np.float32
    assert np.linalg.norm(again) == pytest.approx(1, abs=1e-6)
    assert 1 - again @ vector / np.linalg.norm(vector) < 1e-4
    assert encoded(again) == text


@given(st.text(max_size=20))
def test_any_text_is_a_vector_or_refused(text: str) -> None:
    """Never anything else."""
    with contextlib.suppress(RequestError):
        assert decoded(text, dimension=6).shape == (6,)


@pytest.mark.parametrize("text", ["AAAAAAAA", "", "AQ", "AQ==AQ==", "AQEBAQEBAQ"])
def test_a_zero_or_a_wrong_length_is_refused(text: str) -> None:
    """Both have no direction in this space."""
    with pytest.raises(RequestError):
        decoded(text, dimension=6)
