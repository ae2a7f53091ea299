"""Partition key, prefix and lane."""

import re
from datetime import datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batch_assets.errors import PartitionError
from batch_assets.partitions import IndexNames, PrefixTemplate, template_problem

# CreateModelInvocationJob, `s3InputDataConfig.s3Uri`, in the service model of Amazon Bedrock.
S3_URI = re.compile(
    r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?\Z",
)
DAILY = PrefixTemplate("photos/%Y/%m/%d/")

literals = st.text(alphabet="abZ0189-_.!*'()=+ @,:~&é", max_size=4)
folders = literals.filter(lambda text: text not in {"", ".", ".."})


@st.composite
def templates(draw: st.DrawFn) -> PrefixTemplate:
    """Allowed templates: directives in any order, with or without literals and folders around them."""
    directives = draw(st.sampled_from(["Ym", "Ymd", "YmdH"]).flatmap(lambda letters: st.permutations(list(letters))))
    text = "".join(f"{folder}/" for folder in draw(st.lists(folders, max_size=2)))
    for directive in directives:
        text += f"{draw(literals)}%{directive}{draw(st.sampled_from(['', '/', '-', '']))}"
    text += "".join(f"/{folder}" for folder in draw(st.lists(folders, max_size=1)))
    template = f"{text.removesuffix('/')}/"
    assume(template_problem(template) is None)
    return PrefixTemplate(template)


# Dates that strftime writes with four digits of the year on every platform.
moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2999, 12, 31))  # noqa: DTZ001 no time zone here


def key_of(template: PrefixTemplate, moment: datetime) -> str:
    return moment.strftime(template.key_format)


def test_prefix_and_key_name_the_same_date() -> None:
    """The key is the prefix from its first to its last directive."""
    assert DAILY.prefix("2024/01/02") == "photos/2024/01/02/"
    assert DAILY.key("photos/2024/01/02/") == "2024/01/02"


@given(templates(), moments)
@settings(deadline=None)
def test_key_to_prefix_and_back_is_the_same_key(template: PrefixTemplate, moment: datetime) -> None:
    """No information is lost between a key and its prefix."""
    key = key_of(template, moment)
    assert template.key(template.prefix(key)) == key
    assert template.prefix(key) == moment.strftime(template.template)


@given(templates(), moments)
@settings(deadline=None)
def test_every_folder_above_a_prefix_leads_to_partitions_and_the_prefix_does_not(
    template: PrefixTemplate, moment: datetime
) -> None:
    """So that a walk from the bucket down meets each partition, and stops at it."""
    prefix = template.prefix(key_of(template, moment))
    segments = prefix.split("/")[:-1]
    above = ["".join(f"{segment}/" for segment in segments[:depth]) for depth in range(len(segments))]
    assert all(template.leads_to_partitions(folder) for folder in above)
    assert not template.leads_to_partitions(prefix)
    assert not template.leads_to_partitions("no such folder/")


@given(templates(), moments, moments)
@settings(deadline=None)
def test_distinct_keys_never_share_or_nest_prefixes(
    template: PrefixTemplate, moment: datetime, other: datetime
) -> None:
    """No object belongs to two partitions."""
    key, other_key = key_of(template, moment), key_of(template, other)
    assume(key != other_key)
    assert not template.prefix(key).startswith(template.prefix(other_key))


@given(templates(), moments, moments)
@settings(deadline=None)
def test_lanes_are_the_same_or_apart(template: PrefixTemplate, moment: datetime, other: datetime) -> None:
    """A lane never lies inside another one."""
    lane, other_lane = template.lane(key_of(template, moment)), template.lane(key_of(template, other))
    assert lane == other_lane or not lane.startswith(other_lane)


@given(templates(), moments)
@settings(deadline=None)
def test_lane_is_a_parent_that_bedrock_accepts(template: PrefixTemplate, moment: datetime) -> None:
    """The submitted folder holds the partition and follows the `s3Uri` pattern."""
    key = key_of(template, moment)
    lane = template.lane(key)
    assert template.prefix(key).startswith(lane)
    assert lane == "" or lane.endswith("/")
    assert S3_URI.match(f"s3://my-bucket/{lane}")


@given(templates(), moments)
@settings(deadline=None)
def test_lane_is_the_nearest_parent_that_bedrock_accepts(template: PrefixTemplate, moment: datetime) -> None:
    """One folder deeper would be refused, or be no part of the prefix."""
    key = key_of(template, moment)
    prefix, lane = template.prefix(key), template.lane(key)
    deeper = prefix[: prefix.find("/", len(lane)) + 1]
    assert lane == prefix or not S3_URI.match(f"s3://my-bucket/{deeper}")
    assert template.shares_lanes == (lane != prefix)


@given(templates(), moments)
@settings(deadline=None)
def test_objects_of_a_partition_are_found_inside_it(template: PrefixTemplate, moment: datetime) -> None:
    """What lies under a prefix lies inside a partition and inside a lane."""
    key = template.prefix(key_of(template, moment)) + "a.jpg"
    assert template.inside_a_partition(key)
    assert template.inside_a_lane(key)


@pytest.mark.parametrize(
    ("template", "key", "lane"),
    [
        ("photos/%Y/%m/%d/", "2024/01/02", "photos/2024/01/02/"),
        ("photos/dt=%Y-%m-%d/", "2024-01-02", "photos/"),
        ("dt=%Y-%m-%d/", "2024-01-02", ""),
        ("photos/%Y/dt=%m-%d/", "2024/dt=01-02", "photos/2024/"),
        ("photos/%Y-%m-%d/a b/", "2024-01-02", "photos/2024-01-02/"),
        ("my photos/%Y/%m/%d/", "2024/01/02", ""),
        ("%Y%m%d%H/", "2024010203", "2024010203/"),
    ],
)
def test_lane_of_hive_style_and_odd_folders(template: str, key: str, lane: str) -> None:
    """`dt=%Y-%m-%d/` maps to the nearest parent that Bedrock allows."""
    assert PrefixTemplate(template).lane(key) == lane


@pytest.mark.parametrize(
    ("template", "granularity", "cron"),
    [
        ("p/%Y/%m/", "monthly", "0 0 1 * *"),
        ("p/%d.%m.%Y/", "daily", "0 0 * * *"),
        ("p/%Y/%m/%d/%H/", "hourly", "0 * * * *"),
    ],
)
def test_finest_directive_decides_the_granularity(template: str, granularity: str, cron: str) -> None:
    """Months, days or hours, whatever the order of the directives."""
    assert PrefixTemplate(template).granularity == granularity
    assert PrefixTemplate(template).cron_schedule == cron


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2024/1/2",
        "2024/13/01",
        "2024/02/30",
        "2024/01/02/",
        " 2024/01/02",
        "2024/01/02\n",
        "0000/01/01",
        "٢٠٢٤/01/02",
    ],
)
def test_a_key_that_is_no_such_date_is_refused(key: str) -> None:
    """The message shows the key and the form that it should have."""
    with pytest.raises(PartitionError, match=re.escape(f"{key!r}")):
        DAILY.prefix(key)


@pytest.mark.parametrize(
    "prefix",
    ["", "photos/", "photos/2024/01/02", "fotos_/2024/01/02/", "photos/2024/02/30/", "photos/2024/01/02/x/", "x" * 18],
)
def test_a_prefix_of_another_shape_is_refused(prefix: str) -> None:
    """Only prefixes of the template have a key."""
    with pytest.raises(PartitionError):
        DAILY.key(prefix)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("", "must end in '/'"),
        ("photos/%Y/%m/%d", "must end in '/'"),
        ("photos/%Q/%m/", "not %Q"),
        ("photos/%Y/%m/%%/", "not %%"),
        ("photos/%y/%m/%d/", "not %y"),
        ("photos/%Y/%m/%", "not %"),
        ("photos/", "needs %Y and %m"),
        ("photos/%Y/", "needs %Y and %m"),
        ("photos/%Y/%d/", "%d for daily"),
        ("photos/%Y/%m/%H/", "%H for hourly"),
        ("photos/%Y/%Y/%m/", "once each"),
        ("/photos/%Y/%m/", "must not begin with '/'"),
        ("photos//%Y/%m/", "empty"),
        ("photos/../%Y/%m/", "'..'"),
        ("photos/./%Y/%m/", "'.'"),
        ("photos/%Y...%m/", "'...'"),
        ("photos\n/%Y/%m/", "control characters"),
    ],
)
def test_odd_templates_are_refused(template: str, words: str) -> None:
    """The sentence says what is allowed."""
    problem = template_problem(template)
    assert problem is not None
    assert words in problem


def test_all_problems_of_a_template_are_told_at_once() -> None:
    """Nobody mends one mistake only to be told of the next."""
    problem = template_problem("/photos/%Q")
    assert problem is not None
    assert all(words in problem for words in ("%Q", "end in '/'", "begin with '/'"))


@given(st.text(max_size=20))
@settings(deadline=None)
def test_any_text_is_a_template_or_has_a_problem(text: str) -> None:
    """The check never fails itself, and what it lets pass has a granularity."""
    if template_problem(text) is None:
        assert PrefixTemplate(text).granularity in {"monthly", "daily", "hourly"}


@pytest.mark.parametrize(
    ("prefix", "inside"),
    [
        ("photos/2024/01/02/", True),
        ("photos/2024/01/02/results/", True),
        ("photos/2024/01/", False),
        ("photos/results/", False),
        ("batch-assets/results/", False),
    ],
)
def test_what_lies_inside_a_lane(prefix: str, inside: bool) -> None:
    """Bedrock reads everything below the submitted folder, and nothing beside it."""
    assert DAILY.inside_a_lane(prefix) is inside


def test_everything_lies_inside_the_lane_of_a_whole_bucket() -> None:
    """Where no parent is allowed, the bucket itself is submitted."""
    assert PrefixTemplate("dt=%Y-%m-%d/").inside_a_lane("anything/")


@pytest.mark.parametrize(
    ("template", "key", "end"),
    [
        ("p/%Y/%m/", "2024/02", datetime(2024, 3, 1)),  # noqa: DTZ001 - as partitions are
        ("p/%Y/%m/", "2024/12", datetime(2025, 1, 1)),  # noqa: DTZ001 - as partitions are
        ("p/%Y/%m/%d/", "2024/02/28", datetime(2024, 2, 29)),  # noqa: DTZ001 - as partitions are
        ("p/%Y/%m/%d/%H/", "2024/12/31/23", datetime(2025, 1, 1)),  # noqa: DTZ001 - as partitions are
    ],
)
def test_a_partition_ends_where_the_next_one_begins(template: str, key: str, end: datetime) -> None:
    """Whatever its length."""
    prefixes = PrefixTemplate(template)
    assert prefixes.end(key) == end
    assert list(prefixes.keys(key, end)) == [key, end.strftime(prefixes.key_format)]


def test_an_index_name_may_have_fields_of_the_date() -> None:
    """Partitions of one year then share an index."""
    names = IndexNames("photos-%Y", PrefixTemplate("p/%Y/%m/%d/"))
    keys = ["2024/12/31", "2025/01/01", "2024/01/01"]
    assert names.by_name(keys) == {"photos-2024": ["2024/12/31", "2024/01/01"], "photos-2025": ["2025/01/01"]}
    assert names.name_of_object("p/2024/12/31/a.jpg") == "photos-2024"
    assert names.name_of_object("elsewhere/a.jpg") is None
    with pytest.raises(PartitionError, match="does not have the form"):
        names.name("nothing")


def test_an_index_name_without_fields_is_that_of_every_partition() -> None:
    """Also of keys of another template, which are in the tables still."""
    names = IndexNames("photos", PrefixTemplate("p/%Y/%m/%d/"))
    assert names.by_name(["2024/12/31", "2024/12"]) == {"photos": ["2024/12/31", "2024/12"]}
    assert names.name_of_object("elsewhere/a.jpg") == "photos"


@given(templates(), moments, st.text(max_size=5))
@settings(deadline=None)
def test_an_object_key_lies_in_the_partition_whose_prefix_it_begins_with(
    template: PrefixTemplate, moment: datetime, name: str
) -> None:
    """And in none if it begins otherwise."""
    key = key_of(template, moment)
    assert template.partition_of(template.prefix(key) + name) == key
    assert template.find_key(f"{template.prefix(key)}x") is None
    assert template.partition_of(f"/{template.prefix(key)}{name}") is None
