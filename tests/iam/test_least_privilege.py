"""The pipeline and the searches run with the printed policies and nothing more; the doctor misses each statement."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest

from batch_assets.assets.retention import Retention
from batch_assets.bedrock.jobs import live_jobs, stop_job
from batch_assets.bedrock.on_demand import embed_text
from batch_assets.cli.clients import Clients
from batch_assets.cli.gallery_server import GalleryServer
from batch_assets.cli.search import find, image_vector, sheet
from batch_assets.doctor.examination import examine
from batch_assets.doctor.finding import Finding, Level
from batch_assets.errors import ServiceError
from batch_assets.iam.calls import CALLS, Purpose
from batch_assets.iam.policy import permissions
from batch_assets.iam.service_role import ServiceRole
from batch_assets.reconciliation.reconciler import Reconciler
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings
from batch_assets.storage import objects
from batch_assets.storage.requests import request_retry
from tests import access_proof
from tests.access_proof import accesses
from tests.conftest import Account, Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures, still_sandbox

NAMED = (
    "source_bucket",
    "first_partition",
    "account_id",
    "role_arn",
    "vector_bucket",
    "dimension",
    "results_retention_days",
)


@dataclass(frozen=True)
class Guarded:
    """A deployment in an account in which policies are enforced."""

    account: Account
    world: World

    @property
    def settings(self) -> Settings:
        """Those of the deployment."""
        return self.world.settings

    def user(self, purpose: Purpose) -> Aws:
        """A user with the policy of a purpose."""
        user = self.account.user(*permissions(purpose, self.settings)["Statement"])
        access_proof.USERS.add(key_id(user))
        return user

    def records(self, user: Aws) -> list[dict[str, Any]]:
        """What the calls of a user asked for."""
        return [access for access in accesses(self.account.root.sandbox) if access["caller"] == key_id(user)]


def key_id(user: Aws) -> str:
    """The access key of a user."""
    credentials: Any = user.session.get_credentials()
    return str(credentials.access_key)


@pytest.fixture(scope="module")
def guarded(account: Account) -> Iterator[Guarded]:
    """A deployment whose service role has the printed documents."""
    role_arn = f"arn:aws:iam::123456789012:role/batch/{uuid.uuid4().hex[:8]}"
    with (
        still_sandbox(account.root),
        new_world(account.root, role_arn=role_arn, results_retention_days=1, pictures=True) as world,
    ):
        role = ServiceRole(account.root.iam, world.settings)
        role.write(role.read())
        yield Guarded(account, world)


@pytest.fixture(scope="module")
def environment(guarded: Guarded) -> Iterator[pytest.MonkeyPatch]:
    """The settings of the deployment in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMED:
            patch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", str(getattr(guarded.settings, name)))
        yield patch


@pytest.fixture(scope="module")
def pipeline(guarded: Guarded, environment: pytest.MonkeyPatch) -> Aws:
    """The user of the pipeline, after its life: first and second runs, a tail, repair, an end and a clean-up."""
    user = guarded.user(Purpose.PIPELINE)
    credentials: Any = user.session.get_credentials()
    environment.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    first_and_second_run(guarded)
    repair(guarded)
    interrupted_upload(guarded, environment)
    stop_and_clean_up(guarded)
    examined(user)
    return user


def examined(user: Aws) -> list[Finding]:
    """What the doctor finds with the credentials of a user."""
    client = cache(user.client)
    return list(examine(lambda _, service: client(service)))


def first_and_second_run(guarded: Guarded) -> None:
    """A batch job, then a tail on demand; an index whose tags are gone gets them again."""
    world = guarded.world
    world.put(pictures(100))
    world.embed()
    index = guarded.account.root.s3vectors.get_index(
        vectorBucketName=guarded.settings.vector_bucket, indexName=guarded.settings.index_name
    )["index"]["indexArn"]
    tags = guarded.account.root.s3vectors.list_tags_for_resource(resourceArn=index)["tags"]
    guarded.account.root.s3vectors.untag_resource(resourceArn=index, tagKeys=list(tags))
    world.delete("0000.png")
    world.put(pictures(2, first=200))
    request_retry(Clients(guarded.settings).tables, KEY, None)
    world.plan()
    world.load()
    assert len(world.vectors()) == 101


def repair(guarded: Guarded) -> None:
    """The index is compared with the tables, and a lost vector put back."""
    settings, clients = guarded.settings, Clients(guarded.settings)
    key = settings.template.prefix(KEY) + "0001.png"
    guarded.account.root.s3vectors.delete_vectors(
        vectorBucketName=settings.vector_bucket, indexName=settings.index_name, keys=[key]
    )
    reconciler = Reconciler(settings, clients.s3, clients.s3vectors_unrepeated, clients.tables)
    for options in ({}, {"partitions": [KEY]}):
        reconciler.run(**options, repair=True)
    assert len(guarded.world.vectors()) == 101


def interrupted_upload(guarded: Guarded, environment: pytest.MonkeyPatch) -> None:
    """Parts that are too small are refused when the upload is completed, which is then given up."""
    with environment.context() as patch:
        patch.setattr(objects, "_PART_BYTES", 4096)
        guarded.world.put(pictures(100), NEXT_KEY)
        with pytest.raises(ServiceError, match="EntityTooSmall"):
            guarded.world.plan(NEXT_KEY)


def stop_and_clean_up(guarded: Guarded) -> None:
    """A job is stopped, and results that were loaded are deleted after their time."""
    settings, clients = guarded.settings, Clients(guarded.settings)
    guarded.world.plan(NEXT_KEY)
    (job,) = live_jobs(clients.bedrock, settings.space.model)
    stop_job(clients.bedrock, job.arn)
    deleted = Retention(settings, clients.s3, clients.tables).clean_up(now=datetime.now(UTC) + timedelta(days=999))
    assert deleted["jobs"] == 1


@pytest.fixture(scope="module")
def searching(guarded: Guarded, pipeline: Aws, environment: pytest.MonkeyPatch) -> Aws:  # noqa: ARG001 after it
    """The user of the searches, after one by words, one by a picture, and a contact sheet."""
    user = guarded.user(Purpose.SEARCH)
    credentials: Any = user.session.get_credentials()
    environment.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    clients, settings = Clients(guarded.settings), guarded.settings
    picture = f"s3://{settings.source_bucket}/{settings.template.prefix(KEY)}0001.png"
    (nearest, *_) = find(clients, image_vector(clients, picture), top_k=3)
    assert nearest.metadata["s3_uri"] == picture
    matches = find(clients, embed_text(clients.bedrock_runtime, settings.space, "red"), top_k=3)
    assert "data:image" in sheet(clients, "red", matches)
    guarded.world.delete("0001.png")
    assert sheet(clients, "gone", [nearest])
    browsed(clients, settings.template.prefix(KEY) + "0002.png")
    return user


def browsed(clients: Clients, key: str) -> None:
    """The search page is opened, and asked for pictures like one of them."""
    with GalleryServer.of(clients, port=0) as server:
        server.start()
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as page:
            for path in ("about", "search", f"search?key={key}", f"thumbnail?key={key}&edge=128", f"picture?key={key}"):
                assert page.get(f"/api/{path}").status_code == 200, path


@pytest.mark.parametrize("purpose", [Purpose.PIPELINE, Purpose.SEARCH])
def test_the_policy_allows_every_call_and_nothing_that_none_needs(
    guarded: Guarded, pipeline: Aws, searching: Aws, purpose: Purpose
) -> None:
    """Each action of each statement is asked for, and the operations are those that stand in the list of calls."""
    records = guarded.records(pipeline if purpose is Purpose.PIPELINE else searching)
    assert [record for record in records if record["decision"] != "allowed"] == []
    needed = {record["action"] for record in records}
    document = permissions(purpose, guarded.settings)
    allowed = {action for statement in document["Statement"] for action in statement["Action"]}
    assert allowed == needed
    made = [calls for calls in CALLS[purpose] if calls.made(guarded.settings)]
    operations = {operation for calls in made for operation in calls.operations}
    # It needs no permission, and so leaves no trace.
    assert operations - {"sts.GetCallerIdentity"} == {record["operation"] for record in records}


@pytest.mark.usefixtures("pipeline")
def test_bedrock_does_no_more_than_its_role_may(guarded: Guarded) -> None:
    """The jobs of the pipeline ran as the printed role."""
    mine = [one for one in accesses(guarded.account.root.sandbox) if one["caller"] == guarded.settings.role_arn]
    assert {one["decision"] for one in mine} == {"allowed"}
    document = permissions(Purpose.BEDROCK_ROLE, guarded.settings)
    allowed = {action for statement in document["Statement"] for action in statement["Action"]}
    assert {one["action"] for one in mine} == allowed


# Checks that make such calls themselves, beside the one that asks IAM.
TRIED = {
    "PicturesBucket": {"source_bucket"},
    "ResultsBucket": {"results_bucket"},
    "ResultsObjects": {"results_bucket"},
    "TablesBucket": {"results_bucket"},
    "TablesObjects": {"results_bucket"},
    "BatchModel": {"model"},
    "BatchAll": {"quota", "model"},
    "LoadVectorBucket": {"vector_bucket"},
    "LoadIndex": {"index"},
    "DoctorRole": {"role"},
}
STATEMENTS = [
    "PicturesBucket",
    "PicturesObjects",
    "LocksObjects",
    "ResultsBucket",
    "ResultsObjects",
    "TablesBucket",
    "TablesObjects",
    "RetryRequestsObjects",
    "BatchModel",
    "BatchJobs",
    "BatchPassedRole",
    "BatchAll",
    "TailResultsObjects",
    "LoadVectorBucket",
    "LoadIndex",
    "DoctorRole",
    "DoctorCaller",
]


def test_all_statements_are_tried(guarded: Guarded) -> None:
    """The list below is whole."""
    document = permissions(Purpose.PIPELINE, guarded.settings)
    assert [statement["Sid"] for statement in document["Statement"]] == STATEMENTS


@pytest.fixture(scope="module")
def patient(account: Account) -> Callable[[str], Any]:
    """Clients of a user without a policy, for the doctor."""
    return cache(account.user(name="patient").client)


def findings_without(guarded: Guarded, client: Callable[[str], Any], missing: str | None) -> list[Finding]:
    """What the doctor finds when the patient has all but one of the statements."""
    statements = permissions(Purpose.PIPELINE, guarded.settings)["Statement"]
    policy = guarded.account.policy(statement for statement in statements if statement["Sid"] != missing)
    guarded.account.root.iam.attach_user_policy(UserName="patient", PolicyArn=policy)
    try:
        return list(examine(lambda _, service: client(service)))
    finally:
        guarded.account.root.iam.detach_user_policy(UserName="patient", PolicyArn=policy)


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("missing", [None, *STATEMENTS])
def test_the_doctor_names_the_statement_that_is_missing(
    guarded: Guarded, patient: Callable[[str], Any], missing: str | None
) -> None:
    """And no other; the checks that call what it allows fail too."""
    findings = findings_without(guarded, patient, missing)
    told = [finding for finding in findings if finding.check == "permissions"]
    wrong = {finding.check for finding in findings if finding.level is Level.WRONG} - {"permissions"}
    assert wrong == TRIED.get(str(missing), set())
    if missing is None:
        assert [finding.level for finding in told] == [Level.OK]
    elif missing == "DoctorCaller":
        assert [finding.level for finding in told] == [Level.WARNING]
        assert "iam:SimulatePrincipalPolicy" in told[0].cure
    else:
        assert [(finding.level, finding.message.partition(":")[0]) for finding in told] == [(Level.WRONG, missing)]
