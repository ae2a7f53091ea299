"""The sandbox as the aws command line of Amazon sees it."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batch_assets.sandbox.config import ACCOUNT_ID
from batch_assets.sandbox.server import start
from tests.conftest import TESTS, Aws

pytestmark = [pytest.mark.slow, pytest.mark.soak]  # it needs an environment of its own

PROGRAM = Path(__file__).parents[2] / ".venv-aws" / "bin" / "aws"
MODEL_ID = "amazon.nova-2-multimodal-embeddings-v1:0"
TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
ODD_NAMES = ["plain.png", "a b+c%20.png", 'it\'s [1] & "2".png', "ü-😀.png", "folder/plain.png"]


@dataclass
class Cli:
    """The aws command in a folder of its own, without any configuration but the sandbox's variables."""

    sandbox: Aws
    folder: Path

    def __call__(self, *arguments: str) -> Any:
        """Run a command that succeeds; JSON is parsed, other output is text."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr
        try:
            return json.loads(ended.stdout) if ended.stdout else None
        except ValueError:
            return ended.stdout

    def refusal(self, *arguments: str) -> str:
        """Run a command that the service refuses, and give what it says."""
        ended = self.run(*arguments)
        assert ended.returncode != 0, ended.stdout
        return ended.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = {**kept, **self.sandbox.sandbox.environment(), "HOME": str(self.folder), "AWS_PAGER": ""}
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env={**environment, "AWS_ACCESS_KEY_ID": TESTS, "PYTHONUTF8": "1", "AWS_MAX_ATTEMPTS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The aws command, and a sandbox in which time moves only when a test says so."""
    if not PROGRAM.exists():
        pytest.skip(f"the aws CLI is not installed: make {PROGRAM.parents[1].name}/installed")
    with start(speed=0) as running:
        yield Cli(Aws(running), tmp_path_factory.mktemp("aws-cli"))


@pytest.fixture(scope="module")
def role_arn(cli: Cli) -> str:
    """A role that Bedrock may assume, made with `aws iam`."""
    policy = json.dumps(TRUST_POLICY)
    made = cli("iam", "create-role", "--role-name", "bedrock-batch", "--assume-role-policy-document", policy)
    return str(made["Role"]["Arn"])


def text_records(count: int) -> str:
    """An input file for a batch job."""
    parameters = {"embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 256}
    lines = (
        {
            "recordId": f"R{number:06}",
            "modelInput": {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {**parameters, "text": {"truncationMode": "END", "value": f"text {number}"}},
            },
        }
        for number in range(count)
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


@dataclass
class Jobs:
    """Batch jobs over one bucket."""

    cli: Cli
    bucket: str
    role_arn: str

    def creation(self, *, name: str, folder: str = "photos/2024/01/02/") -> list[str]:
        """The command that creates a job."""
        return [
            *("bedrock", "create-model-invocation-job", "--job-name", name),
            *("--role-arn", self.role_arn, "--model-id", MODEL_ID),
            *("--input-data-config", f"s3InputDataConfig={{s3Uri=s3://{self.bucket}/{folder}}}"),
            *("--output-data-config", f"s3OutputDataConfig={{s3Uri=s3://{self.bucket}/results/}}"),
        ]

    def create(self, name: str) -> str:
        """Create a job."""
        return str(self.cli(*self.creation(name=name))["jobArn"])

    def status(self, arn: str) -> str:
        """The status of a job."""
        return str(self.cli("bedrock", "get-model-invocation-job", "--job-identifier", arn)["status"])


@pytest.fixture(scope="module")
def jobs(cli: Cli, role_arn: str) -> Jobs:
    """A bucket with the input of a job in it."""
    cli("s3", "mb", "s3://cli-jobs")
    (cli.folder / "input.jsonl").write_text(text_records(100), encoding="utf-8")
    cli("s3", "cp", "input.jsonl", "s3://cli-jobs/photos/2024/01/02/input.jsonl")
    return Jobs(cli, "cli-jobs", role_arn)


def test_files_of_any_name_go_there_and_back(cli: Cli) -> None:
    """Names with spaces, quotes, plus, percent, emoji, and one name in two folders."""
    source = cli.folder / "source"
    for number, name in enumerate(ODD_NAMES):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(bytes([number]) * (number + 1))
    cli("s3", "mb", "s3://cli-names")
    cli("s3", "cp", "--recursive", "--quiet", "source", "s3://cli-names/photos/2024/01/02/")
    listed = cli("s3api", "list-objects-v2", "--bucket", "cli-names", "--query", "Contents[].Key")
    assert sorted(listed) == sorted(f"photos/2024/01/02/{name}" for name in ODD_NAMES)
    cli("s3", "sync", "--quiet", "s3://cli-names/photos/2024/01/02", "copy")
    copied = {file.relative_to(cli.folder / "copy").as_posix(): file.read_bytes() for file in _files(cli, "copy")}
    assert copied == {name: bytes([number]) * (number + 1) for number, name in enumerate(ODD_NAMES)}
    cli("s3", "rb", "--force", "s3://cli-names")
    assert "NoSuchBucket" in cli.refusal("s3", "ls", "s3://cli-names")


def _files(cli: Cli, folder: str) -> list[Path]:
    return [path for path in (cli.folder / folder).rglob("*") if path.is_file()]


def test_it_says_which_account_it_is(cli: Cli) -> None:
    """The account is the sandbox's, so it is plain that it is not a real one."""
    assert cli("sts", "get-caller-identity")["Account"] == ACCOUNT_ID


def test_a_batch_job_runs_to_its_output(jobs: Jobs) -> None:
    """Created, seen in the list, completed when its time has passed, with its files where AWS puts them."""
    arn = jobs.create("runs-to-its-end")
    assert jobs.status(arn) == "Submitted"
    listed = jobs.cli("bedrock", "list-model-invocation-jobs", "--name-contains", "runs-to")
    assert [job["jobArn"] for job in listed["invocationJobSummaries"]] == [arn]
    jobs.cli.sandbox.advance(3600)
    jobs.cli.sandbox.wait_for_job(arn, "Completed")
    job = jobs.cli("bedrock", "get-model-invocation-job", "--job-identifier", arn)
    assert (job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]) == (100, 100, 0)
    output = f"s3://{jobs.bucket}/results/{arn.rsplit('/', 1)[-1]}/input.jsonl.out"
    lines = jobs.cli("s3", "cp", "--quiet", output, "-").splitlines()
    assert {json.loads(line)["recordId"] for line in lines} == {f"R{number:06}" for number in range(100)}


def test_a_batch_job_can_be_stopped(jobs: Jobs) -> None:
    """Once only: a job that has ended is refused."""
    arn = jobs.create("is-stopped")
    jobs.cli("bedrock", "stop-model-invocation-job", "--job-identifier", arn)
    jobs.cli.sandbox.advance(60)
    jobs.cli.sandbox.wait_for_job(arn, "Stopped")
    again = jobs.cli.refusal("bedrock", "stop-model-invocation-job", "--job-identifier", arn)
    assert "ValidationException" in again


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "hive", "folder": "photos/dt=2024-01-02/"}, "s3Uri"),
        ({"name": "blank", "folder": "photos/2024 01 02/"}, "s3Uri"),
        ({"name": "no_underscores"}, "jobName"),
        ({"name": "x" * 64}, "jobName"),
    ],
)
def test_what_bedrock_refuses_is_refused(jobs: Jobs, changes: dict[str, str], named: str) -> None:
    """Folders and names outside the service's patterns, with the parameter's name in the message."""
    refusal = jobs.cli.refusal(*jobs.creation(**changes))
    assert "ValidationException" in refusal
    assert named in refusal


def test_a_job_without_its_role_is_refused(jobs: Jobs) -> None:
    """A role that does not exist cannot be passed on."""
    stranger = Jobs(jobs.cli, jobs.bucket, jobs.role_arn + "-that-is-not-there")
    assert "AccessDeniedException" in stranger.cli.refusal(*stranger.creation(name="no-role"))


@pytest.fixture(scope="module")
def index(cli: Cli) -> list[str]:
    """The options that name an index of ten vectors on a circle, five in each of two partitions."""
    bucket = ["--vector-bucket-name", "cli-vectors"]
    options = [*bucket, "--index-name", "circle"]
    cli("s3vectors", "create-vector-bucket", *bucket)
    cli(
        *("s3vectors", "create-index", *options, "--data-type", "float32"),
        *("--dimension", "2", "--distance-metric", "cosine"),
        *("--metadata-configuration", '{"nonFilterableMetadataKeys": ["s3_uri"]}'),
    )
    vectors = [
        {
            "key": f"photos/{number}.jpg",
            "data": {"float32": [1.0, number / 10]},
            "metadata": {"partition": f"2024/01/0{1 + number % 2}", "s3_uri": f"s3://b/photos/{number}.jpg"},
        }
        for number in range(10)
    ]
    cli("s3vectors", "put-vectors", *options, "--vectors", json.dumps(vectors))
    return options


def test_vectors_are_put_and_read(cli: Cli, index: list[str]) -> None:
    """Data and metadata come back as they were put."""
    wanted = ["--keys", "photos/3.jpg", "photos/none.jpg", "--return-data", "--return-metadata"]
    (vector,) = cli("s3vectors", "get-vectors", *index, *wanted)["vectors"]
    assert vector["data"]["float32"] == pytest.approx([1.0, 0.3])
    assert vector["metadata"] == {"partition": "2024/01/02", "s3_uri": "s3://b/photos/3.jpg"}


def test_vectors_are_listed_in_pages(cli: Cli, index: list[str]) -> None:
    """The CLI follows the pages by itself."""
    listed = cli("s3vectors", "list-vectors", *index, "--page-size", "3", "--query", "vectors[].key")
    assert sorted(listed) == [f"photos/{number}.jpg" for number in range(10)]
    first = cli("s3vectors", "list-vectors", *index, "--max-items", "4")
    assert len(first["vectors"]) == 4
    rest = cli("s3vectors", "list-vectors", *index, "--starting-token", first["NextToken"])
    assert len(rest["vectors"]) == 6


def test_vectors_are_found_nearest_first(cli: Cli, index: list[str]) -> None:
    """With distances, and narrowed by a filter."""
    query = ["--query-vector", '{"float32": [1, 0]}', "--top-k", "3", "--return-distance"]
    found = cli("s3vectors", "query-vectors", *index, *query)
    assert [vector["key"] for vector in found["vectors"]] == [f"photos/{number}.jpg" for number in range(3)]
    assert found["vectors"][0]["distance"] == pytest.approx(0, abs=1e-6)
    narrowed = cli("s3vectors", "query-vectors", *index, *query, "--filter", '{"partition": {"$eq": "2024/01/02"}}')
    assert [vector["key"] for vector in narrowed["vectors"]] == [f"photos/{number}.jpg" for number in (1, 3, 5)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (["--query-vector", '{"float32": [1, 0, 0]}'], "ValidationException"),
        (["--filter", '{"s3_uri": {"$eq": "s3://b/photos/1.jpg"}}'], "ValidationException"),
        (["--index-name", "square"], "NotFoundException"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(cli: Cli, index: list[str], changes: list[str], code: str) -> None:
    """Another dimension, a key that is not filterable, an index that is not there."""
    query = ["--query-vector", '{"float32": [1, 0]}', "--top-k", "3"]
    assert code in cli.refusal("s3vectors", "query-vectors", *index, *query, *changes)


def test_vectors_and_their_bucket_are_deleted(cli: Cli) -> None:
    """A bucket goes only when it has no index any more."""
    bucket = ["--vector-bucket-name", "cli-short-lived"]
    options = [*bucket, "--index-name", "one"]
    cli("s3vectors", "create-vector-bucket", *bucket)
    cli(
        *("s3vectors", "create-index", *options, "--data-type", "float32"),
        *("--dimension", "1", "--distance-metric", "euclidean"),
    )
    cli("s3vectors", "put-vectors", *options, "--vectors", '[{"key": "k", "data": {"float32": [1]}}]')
    cli("s3vectors", "delete-vectors", *options, "--keys", "k")
    assert cli("s3vectors", "list-vectors", *options)["vectors"] == []
    assert "ConflictException" in cli.refusal("s3vectors", "delete-vector-bucket", *bucket)
    cli("s3vectors", "delete-index", *options)
    cli("s3vectors", "delete-vector-bucket", *bucket)
    assert "NotFoundException" in cli.refusal("s3vectors", "get-vector-bucket", *bucket)
