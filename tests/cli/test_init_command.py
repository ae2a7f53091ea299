"""`batch-assets init`: questions, proposals, and the `.env` that comes of them."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.cli.env_file import env_file
from batch_assets.errors import BatchAssetsError
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings, load_settings
from tests.cli.conftest import Command
from tests.conftest import ADMINISTRATOR, Aws

GIVEN = {
    "source_bucket": "my-pictures",
    "prefix_template": "in/%Y-%m-%d/",
    "first_partition": "2024-01-02",
    "account_id": "210987654321",
    "role_arn": "arn:aws:iam::210987654321:role/batch",
    "vector_bucket": "my-vectors",
}
OPTIONS = [part for name, value in GIVEN.items() for part in (f"--{name.replace('_', '-')}", value)]


class Terminal(io.StringIO):
    """Somebody who has typed their answers."""

    def isatty(self) -> bool:
        """A person sits there."""
        return True


@pytest.fixture
def init(still: Aws, command: Command) -> Iterator[Command]:
    """The command in an empty folder, without settings, with the sandbox for an account."""
    assert still is not None
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", ADMINISTRATOR)
        yield command


@pytest.fixture
def bucket(aws: Aws) -> str:
    """A bucket with two years of pictures, and some that lie elsewhere."""
    name = aws.new_bucket("pictures")
    keys = [f"raw/{year}/{month:02d}/05/x.png" for year in (2023, 2024) for month in range(1, 13)]
    for key in [*keys, "old/dt=2019-05-06/x.jpg", "readme.txt"]:
        aws.s3.put_object(Bucket=name, Key=key, Body=b"x")
    return name


def test_what_is_proposed_is_taken_with_yes(init: Command, bucket: str) -> None:
    """The bucket alone has to be named; the file passes as settings."""
    ended = init("init", "--source-bucket", bucket, "--yes")
    assert (ended.code, ended.errors) == (0, "")
    assert ended.lines == [".env is written. See whether all is well: batch-assets doctor"]
    settings = load_settings()
    assert (settings.source_bucket, settings.prefix_template) == (bucket, "raw/%Y/%m/%d/")
    assert (settings.first_partition, settings.account_id) == ("2023/01/05", "123456789012")
    assert settings.role_arn == "arn:aws:iam::123456789012:role/batch-assets-bedrock"
    assert settings.vector_bucket == f"{bucket}-vectors"


def test_questions_are_asked_until_the_answers_are_right(
    init: Command, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is proposed stands in brackets; a wrong answer is told why, and asked again."""
    answers = ["No Bucket", bucket, "raw/%Y/", "", "2024/05/05", "", "", "my-vectors"]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers) + "\n"))
    ended = init("init")
    assert (ended.code, ended.output.strip()[:15]) == (0, ".env is written")
    assert "must be a bucket name" in ended.errors
    assert "needs %Y and %m once each" in ended.errors
    assert "old/dt=%Y-%m-%d/" in ended.errors
    assert "[raw/%Y/%m/%d/]" in ended.errors
    settings = load_settings()
    assert (settings.prefix_template, settings.first_partition) == ("raw/%Y/%m/%d/", "2024/05/05")
    assert settings.vector_bucket == "my-vectors"


def test_everything_can_be_given(init: Command) -> None:
    """Then nothing is asked, and the bucket need not be there."""
    ended = init("init", *OPTIONS, "--no-look", "--json")
    assert json.loads(ended.output) == {"file": ".env", "settings": GIVEN, "proposals": []}
    assert ended.errors == ""
    settings = load_settings()
    assert {name: getattr(settings, name) for name in GIVEN} == GIVEN


def test_every_setting_stands_in_the_file_with_its_meaning(init: Command) -> None:
    """Those that were not asked for as comments, with their defaults."""
    init("init", *OPTIONS, "--no-look")
    lines = Path(".env").read_text(encoding="utf-8").splitlines()
    assert "BATCH_ASSETS_PREFIX_TEMPLATE=in/%Y-%m-%d/" in lines
    assert "#BATCH_ASSETS_DIMENSION=1024" in lines
    assert "# Length of a vector, one that the model offers" in lines
    assert max(map(len, lines)) <= 120
    for name in Settings.model_fields:
        assert sum(f"{ENVIRONMENT_PREFIX}{name.upper()}=" in line for line in lines) == 1
    Path(".env").write_text("\n".join(line.removeprefix("#") for line in lines if "=" in line), encoding="utf-8")
    assert load_settings().first_partition == "2024-01-02"


def test_a_file_that_is_there_is_kept(init: Command) -> None:
    """Unless it is to be replaced, or another is named."""
    Path(".env").write_text("MINE=1\n", encoding="utf-8")
    refusal = init.refused("init", *OPTIONS, "--no-look", code=1)
    assert ".env exists: add --force to replace it" in refusal
    assert Path(".env").read_text(encoding="utf-8") == "MINE=1\n"
    assert init("init", *OPTIONS, "--no-look", "--file", "other.env").code == 0
    assert init("init", *OPTIONS, "--no-look", "--force").code == 0
    assert Path(".env").read_text(encoding="utf-8") == Path("other.env").read_text(encoding="utf-8")


def test_results_are_kept_out_of_the_folders_of_pictures(init: Command) -> None:
    """With `=` in the template the whole bucket is one input folder: results need another."""
    options = ["--source-bucket", "my-pictures", "--prefix-template", "dt=%Y-%m-%d/", "--account-id", "210987654321"]
    assert init("init", *options, "--yes", "--no-look").code == 0
    assert load_settings().results_bucket == "my-pictures-results"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is no terminal to ask on: give --source-bucket, or add --yes"),
        (["--yes"], "it has to be given"),
        (["--source-bucket", "No Bucket", "--yes"], "must be a bucket name"),
        (["--source-bucket", "my-pictures", "--prefix-template", "%Y/", "--yes", "--no-look"], "needs %Y and %m"),
        (["--source-bucket", "my-pictures", "--yes", "--no-look"], "--account-id"),
        (["--file", "no-such-folder/.env"], "is not a folder"),
    ],
)
def test_wrong_usage_writes_nothing(
    init: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """A script is told what to give."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert said in init.refused("init", *arguments, code=2)
    assert not Path(".env").exists()


def test_a_bucket_that_cannot_be_looked_at_gives_no_proposals(init: Command) -> None:
    """It is told, and the defaults are proposed."""
    ended = init("init", "--source-bucket", "a-bucket-that-is-not-there", "--yes")
    assert ended.code == 0
    assert "Nothing can be proposed: ListObjectsV2: The specified bucket does not exist" in ended.errors
    assert len(ended.errors.splitlines()) == 1
    assert load_settings().prefix_template == "photos/%Y/%m/%d/"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_reads_back_or_is_refused(value: str) -> None:
    """Quotes, blanks, backslashes, and whatever else a person types."""
    try:
        text = env_file({"source_bucket": value})
    except BatchAssetsError as error:
        assert "cannot be kept in a .env" in str(error)  # noqa: PT017 either is right
    else:
        assert "BATCH_ASSETS_SOURCE_BUCKET=" in text
