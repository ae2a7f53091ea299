"""What differs between tables, live index and source, and the way back to the rows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from batch_assets.vectors.differences import MENDED_BY_PLAN, MENDED_HERE, Contents, Kind, compare, way_back
from batch_assets.vectors.inventory_file import LiveVector

KEYS, ETAGS = st.sampled_from("abcde"), st.sampled_from("xyz")
NOTHING = Contents(rows={}, live={}, indexed={}, source={})


def live(**etags: str) -> dict[str, LiveVector]:
    """Vectors of ours by key."""
    return {key: LiveVector("2026/11/18", key, etag, ours=True) for key, etag in etags.items()}


RIGHT = Contents(rows={"a": "x"}, live=live(a="x"), indexed={"a": "x"}, source={"a": "x"})

vectors = st.dictionaries(KEYS, st.tuples(st.none() | ETAGS, st.booleans())).map(
    lambda found: {key: LiveVector("2026/11/18", key, etag, ours=ours) for key, (etag, ours) in found.items()}
)
contents = st.builds(
    Contents,
    rows=st.dictionaries(KEYS, ETAGS),
    live=vectors,
    indexed=st.dictionaries(KEYS, st.none() | ETAGS),
    source=st.dictionaries(KEYS, ETAGS),
)


def test_nothing_differs_where_all_say_the_same() -> None:
    """A row with its vector, its line in the index table, and its picture; further pictures wait to be planned."""
    assert compare(RIGHT) == {}
    assert compare(replace(RIGHT, source={"a": "x", "new": "y"})) == {}
    assert compare(NOTHING) == {}


def test_a_vector_that_somebody_deleted_is_missing() -> None:
    """The index table still lists it."""
    assert compare(replace(RIGHT, live={})) == {Kind.MISSING: ("a",), Kind.DIFFERING: ("a",)}


def test_a_vector_of_other_bytes_is_stale() -> None:
    """Its ETag is not that of its row."""
    assert compare(replace(RIGHT, live=live(a="old"))) == {Kind.STALE: ("a",), Kind.DIFFERING: ("a",)}


def test_a_vector_of_a_row_without_its_metadata_is_stale() -> None:
    """A search within the partition would not find it; it is put again, for the key is ours."""
    stripped = {"a": LiveVector("2026/11/18", "a", "x", ours=False)}
    assert compare(replace(RIGHT, live=stripped)) == {Kind.STALE: ("a",)}
    assert way_back(replace(RIGHT, live=stripped)).put == ("a",)


def test_a_vector_without_a_row_is_orphaned() -> None:
    """It names the partition and has no row in its table."""
    found = compare(replace(RIGHT, live=live(a="x", b="y")))
    assert found == {Kind.ORPHANED: ("b",), Kind.DIFFERING: ("b",)}


def test_a_vector_of_somebody_else_is_foreign_and_stays() -> None:
    """Without our metadata it is not ours, even if its key lies under the prefix."""
    foreign = {"theirs": LiveVector("2026/11/18", "theirs", None, ours=False)}
    found = replace(RIGHT, live={**RIGHT.live, **foreign})
    assert compare(found) == {Kind.FOREIGN: ("theirs",)}
    assert way_back(found).delete == ()


def test_an_index_table_that_says_otherwise_differs() -> None:
    """It lists what is not there, leaves out what is, or was left open by a write that broke off."""
    for indexed in ({"a": "old"}, {"a": None}, {}):
        assert compare(replace(RIGHT, indexed=indexed)) == {Kind.DIFFERING: ("a",)}
    assert compare(replace(RIGHT, indexed={"a": "x", "b": "y"})) == {Kind.DIFFERING: ("b",)}


def test_pictures_that_are_gone_or_changed_are_told_apart() -> None:
    """The row stands for bytes that are no longer there."""
    assert compare(replace(RIGHT, source={})) == {Kind.SOURCE_GONE: ("a",)}
    assert compare(replace(RIGHT, source={"a": "new"})) == {Kind.SOURCE_CHANGED: ("a",)}


@given(contents)
def test_the_way_back_leads_to_the_rows(found: Contents) -> None:
    """After it, and with the index table written from it, only the source and foreign vectors can still differ."""
    steps = way_back(found)
    after = {key: vector for key, vector in found.live.items() if key not in steps.delete}
    after |= live(**{key: found.rows[key] for key in steps.put})
    mended = replace(found, live=after, indexed=found.rows)
    assert set(compare(mended)) <= {*MENDED_BY_PLAN, Kind.FOREIGN}
    assert {key: vector for key, vector in after.items() if key not in found.rows} == {
        key: vector for key, vector in found.live.items() if key not in found.rows and not vector.ours
    }


@given(contents)
def test_a_repair_writes_only_what_was_reported(found: Contents) -> None:
    """What is put was missing or stale, what is deleted was orphaned, and nothing else is touched."""
    reported, steps = compare(found), way_back(found)
    assert {*steps.put} == {*reported.get(Kind.MISSING, ()), *reported.get(Kind.STALE, ())}
    assert steps.delete == reported.get(Kind.ORPHANED, ())
    assert steps.unchanged == len(found.rows) - len(steps.put)


@given(contents)
def test_each_place_is_judged_by_itself(found: Contents) -> None:
    """The source does not change what the index is found to be, nor the index what the source is."""
    without_source = compare(replace(found, source={}))
    without_index = compare(replace(found, live={}, indexed={}))
    both = compare(found)
    assert {kind: both.get(kind) for kind in MENDED_HERE} == {kind: without_source.get(kind) for kind in MENDED_HERE}
    assert {kind: both.get(kind) for kind in MENDED_BY_PLAN} == {
        kind: without_index.get(kind) for kind in MENDED_BY_PLAN
    }
