"""Prefix templates that keys suggest."""

from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batch_assets.layout.proposals import proposals
from batch_assets.partitions import PrefixTemplate, template_problem

words = st.text(alphabet="abzAZ-_.=+ é", max_size=5)
folders = words.filter(lambda text: text not in {"", ".", ".."})
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2099, 12, 31))  # noqa: DTZ001 no time zone


@st.composite
def templates(draw: st.DrawFn) -> PrefixTemplate:
    """Templates that are proposed: year, month, and on to the finest field, together or apart, with words around."""
    text = "".join(f"{folder}/" for folder in draw(st.lists(folders, max_size=2)))
    text += draw(words)
    for field in draw(st.sampled_from(["Ym", "Ymd", "YmdH"])):
        text += f"%{field}{draw(st.sampled_from(['', '-', '/', '_', 'T', '/part=']))}"
    text = text.removesuffix("/").removesuffix("/part=") + draw(words)
    assume(template_problem(f"{text}/") is None)
    return PrefixTemplate(f"{text}/")


@given(templates(), st.lists(moments, min_size=1, max_size=8))
def test_the_template_of_all_keys_comes_first(template: PrefixTemplate, dates: list[datetime]) -> None:
    """With all keys, and the first and last of their partitions."""
    partitions = sorted({moment.strftime(template.key_format) for moment in dates}, key=template.moment)
    best = proposals(f"{template.prefix(key)}x.jpg" for key in partitions)[0]
    assert (best.template, best.share) == (template.template, 1)
    assert (best.first_partition, best.last_partition) == (partitions[0], partitions[-1])


@given(st.lists(st.text(max_size=40), max_size=6))
def test_whatever_is_proposed_is_a_template_that_its_example_lies_under(keys: list[str]) -> None:
    """For any keys at all."""
    for one in proposals(keys):
        assert template_problem(one.template) is None
        template = PrefixTemplate(one.template)
        assert one.example in keys
        assert one.example.startswith(template.prefix(one.last_partition))
        assert 0 < one.share <= 1


@pytest.mark.parametrize(
    ("key", "template", "partition"),
    [
        ("photos/2024/01/02/x.jpg", "photos/%Y/%m/%d/", "2024/01/02"),
        ("photos/2024/01/02/cam1/x.jpg", "photos/%Y/%m/%d/", "2024/01/02"),
        ("dt=2024-01-02/x.jpg", "dt=%Y-%m-%d/", "2024-01-02"),
        ("in/year=2024/month=01/day=02/x.jpg", "in/year=%Y/month=%m/day=%d/", "2024/month=01/day=02"),
        ("2024/01/x.jpg", "%Y/%m/", "2024/01"),
        ("a/20240102/x.jpg", "a/%Y%m%d/", "20240102"),
        ("a/2024/0102/x.jpg", "a/%Y/%m%d/", "2024/0102"),
        ("2024/01/02/13/x.jpg", "%Y/%m/%d/%H/", "2024/01/02/13"),
        ("2024-01-02T13/x.jpg", "%Y-%m-%dT%H/", "2024-01-02T13"),
        ("1080/2024/01/02/x.jpg", "1080/%Y/%m/%d/", "2024/01/02"),
    ],
)
def test_usual_layouts_are_recognised(key: str, template: str, partition: str) -> None:
    """By one key of each."""
    best = proposals([key])[0]
    assert (best.template, best.first_partition) == (template, partition)


@pytest.mark.parametrize(
    "key",
    [
        "x.jpg",
        "IMG_20240102.jpg",
        "photos/x.jpg",
        "2024/x.jpg",
        "2024/13/x.jpg",
        "1080/01/02/x.jpg",
        "10%2024/01/x.jpg",
    ],
)
def test_keys_without_dates_as_folders_suggest_nothing(key: str) -> None:
    """A year alone, a thirteenth month, a date in the file's name alone."""
    assert proposals([key]) == []


def test_several_layouts_are_ranked_by_their_keys() -> None:
    """Folders 00 to 31 within a day are no hours as soon as one of them is above 23."""
    days = [f"photos/2024/01/{day:02d}/{shard:02d}/x.jpg" for day in range(1, 11) for shard in range(32)]
    old = [f"archive/2019-12-{day:02d}/x.jpg" for day in range(1, 11)]
    found = proposals([*days, *old, "notes/x.jpg"])
    ranked = [(one.template, one.keys) for one in found]
    assert ranked[0] == ("photos/%Y/%m/%d/", 320)
    assert ranked.index(("archive/%Y-%m-%d/", 10)) > ranked.index(("photos/%Y/%m/%d/%H/", 240))
    assert found[0].share == 320 / 331
