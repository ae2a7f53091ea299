"""Each kind of breakage, and the check that finds it."""

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from batch_assets.doctor import model, quota
from batch_assets.doctor.finding import Findings, Level
from batch_assets.settings import load_settings
from batch_assets.vectors.index import SOURCE_BUCKET_TAG, IndexOwner, ensure_index
from batch_assets.vectors.metadata import NON_FILTERABLE_KEYS
from tests.conftest import Aws
from tests.doctor.conftest import FIRST, Doctor

OPEN = {
    "regionAvailability": "AVAILABLE",
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "agreementAvailability": {"status": "AVAILABLE"},
}


def test_a_misspelt_setting_is_noticed(doctor: Doctor) -> None:
    """In the environment or in .env, with the name that was meant."""
    doctor.change(dimensions="1024")
    with open(".env", "w", encoding="utf-8") as file:  # noqa: PTH123 the folder of the test
        file.write("BATCH_ASSETS_NOTHING_OF_THE_KIND=1\n")
    told = {finding.message: finding.cure for finding in doctor.examine("settings")[1:]}
    assert told["BATCH_ASSETS_DIMENSIONS is no setting and changes nothing"].startswith("write BATCH_ASSETS_DIMENSION;")
    assert "BATCH_ASSETS_NOTHING_OF_THE_KIND is no setting and changes nothing" in told


def test_a_first_partition_that_has_not_begun_is_noticed(doctor: Doctor) -> None:
    """Nothing would be planned."""
    doctor.change(first_partition="2999/01/01")
    warning = doctor.examine("settings")[1]
    assert (warning.level, "2999/01/01, has not begun" in warning.message) == (Level.WARNING, True)


def test_credentials_of_another_account_are_told(doctor: Doctor) -> None:
    """The bucket is found not to be of the account that the settings name."""
    doctor.change(account_id="999999999999")
    assert doctor.only("credentials").level is Level.WARNING
    assert "does not belong to account 999999999999" in doctor.only("source_bucket").message
    assert doctor.of_level(Level.WRONG) == {"source_bucket", "results_bucket"}


def test_a_missing_source_bucket_is_named(doctor: Doctor) -> None:
    """What needs it is skipped, the rest is examined."""
    doctor.change(source_bucket="a-bucket-that-is-not-there", results_bucket=doctor.setting("source_bucket"))
    assert doctor.of_level(Level.WRONG) == {"source_bucket"}
    assert doctor.of_level(Level.SKIPPED) == {"region", "prefix_layout", "input_folders"}
    finding = doctor.only("source_bucket")
    assert finding.message == "the bucket a-bucket-that-is-not-there does not exist"
    assert "BATCH_ASSETS_SOURCE_BUCKET" in finding.cure


@pytest.mark.parametrize("setting", [{"results_bucket": "not-there"}, {"tables_uri": "s3://not-there/tables/"}])
def test_a_missing_results_bucket_is_named(doctor: Doctor, setting: dict[str, str]) -> None:
    """That of the results or that of the tables."""
    doctor.change(**setting)
    assert doctor.of_level(Level.WRONG) == {"results_bucket"}
    assert "the bucket not-there does not exist" in doctor.only("results_bucket").message


@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_a_bucket_that_s3_sends_elsewhere_is_told(doctor: Doctor, code: str) -> None:
    """With the Region in which it has to be."""
    doctor.fail("s3", "ListObjectsV2", code=code, status=400, message="elsewhere")
    finding = doctor.only("source_bucket")
    assert "is not in us-east-1" in finding.message
    assert "a bucket in us-east-1" in finding.cure


def test_a_bucket_in_another_region_is_told(doctor: Doctor, aws: Aws) -> None:
    """Even if it can be listed: boto3 follows S3 there, a batch job does not."""
    name = f"far-{doctor.setting('source_bucket')[-12:]}"
    aws.client("s3", region_name="eu-west-1").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    doctor.change(results_bucket=name)
    assert doctor.of_level(Level.WRONG) == {"region"}
    assert f"the bucket {name} is in eu-west-1, and batch jobs run in us-east-1" in doctor.only("region").message


def trust(**condition: dict[str, str]) -> dict[str, Any]:
    """A trust policy for Bedrock."""
    statement = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


@pytest.mark.parametrize(
    ("policy", "level", "said"),
    [
        (trust(StringEquals={"aws:SourceAccount": "123456789012"}), Level.OK, "can be assumed by Bedrock"),
        (trust(StringEquals={"aws:SourceAccount": "999999999999"}), Level.WRONG, "aws:SourceAccount 999999999999"),
        (trust(), Level.WARNING, "trusts Bedrock for jobs of any account"),
        (trust(StringEquals={"aws:PrincipalOrgID": "o-1"}), Level.WARNING, "aws:PrincipalOrgID o-1"),
        ({"Version": "2012-10-17", "Statement": []}, Level.WRONG, "does not let bedrock.amazonaws.com assume it"),
    ],
)
def test_a_roles_trust_is_judged(doctor: Doctor, policy: dict[str, Any], level: Level, said: str) -> None:
    """For batch jobs of this account."""
    doctor.change(role_arn=doctor.role(policy))
    finding = doctor.only("role")
    assert (finding.level, said in finding.message) == (level, True)


def test_a_role_that_is_not_there_is_told(doctor: Doctor) -> None:
    """None of this name, one with another path, one of another account."""
    doctor.change(role_arn="arn:aws:iam::123456789012:role/nobody")
    assert doctor.only("role").message == "arn:aws:iam::123456789012:role/nobody does not exist"
    real = doctor.role(trust(), path="/team/")
    doctor.change(role_arn=real.replace("/team/", "/"))
    assert doctor.only("role").cure == f"set BATCH_ASSETS_ROLE_ARN={real}"
    doctor.change(role_arn="arn:aws:iam::999999999999:role/batch")
    assert "is not in account 123456789012" in doctor.only("role").message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regionAvailability": "NOT_AVAILABLE"}, "is not offered in us-east-1"),
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "is not authorized to use nova"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "has no access to nova"),
        ({"agreementAvailability": {"status": "PENDING"}}, "has no agreement for nova: PENDING"),
        ({"agreementAvailability": {"status": "ERROR", "errorMessage": "no card"}}, "no agreement for nova: no card"),
    ],
)
def test_a_model_that_is_closed_to_the_account_is_told(change: dict[str, Any], said: str) -> None:
    """By each of the four things that GetFoundationModelAvailability tells."""
    assert list(model.closed(Findings("model"), "nova", "us-east-1", OPEN)) == []
    (finding,) = model.closed(Findings("model"), "nova", "us-east-1", {**OPEN, **change})
    assert (finding.level, said in finding.message) == (Level.WRONG, True)


def test_a_model_that_is_withdrawn_is_told() -> None:
    """With the day on which it ends, if it is known."""
    stated = {"status": "LEGACY", "endOfLifeTime": datetime(2027, 3, 1, tzinfo=UTC)}
    finding = model.lifecycle(Findings("model"), "nova", stated)
    assert (finding.level, finding.message) == (Level.WARNING, "nova is a legacy model and ends on 2027-03-01")


def test_an_index_that_exists_and_fits_is_well(doctor: Doctor, aws: Aws) -> None:
    """So is its bucket."""
    settings = load_settings()
    owner = IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug)
    ensure_index(aws.s3vectors, bucket=settings.vector_bucket, index=settings.index_name, dimension=256, owner=owner)
    assert doctor.only("vector_bucket").message == f"{settings.vector_bucket} exists"
    assert "256 dimensions, cosine" in doctor.only("index").message
    doctor.deny("s3vectors", "ListTagsForResource")
    assert "s3vectors:ListTagsForResource" in doctor.only("index").message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimension": 384}, "dimension is 384, needed is 256"),
        ({"distanceMetric": "euclidean"}, "distance metric is euclidean, needed is cosine"),
        ({"metadataConfiguration": {"nonFilterableMetadataKeys": ["s3_uri"]}}, "non-filterable metadata keys is"),
        ({"tags": {SOURCE_BUCKET_TAG: "other-pictures"}}, "belongs to source bucket other-pictures, not to pictures-"),
    ],
)
def test_an_index_that_does_not_fit_is_told(doctor: Doctor, aws: Aws, change: dict[str, Any], said: str) -> None:
    """By each thing that cannot be changed, and by its owner."""
    settings = load_settings()
    aws.s3vectors.create_vector_bucket(vectorBucketName=settings.vector_bucket)
    form: dict[str, Any] = {
        "dimension": 256,
        "distanceMetric": "cosine",
        "metadataConfiguration": {"nonFilterableMetadataKeys": list(NON_FILTERABLE_KEYS)},
    }
    aws.s3vectors.create_index(
        vectorBucketName=settings.vector_bucket, indexName=settings.index_name, dataType="float32", **(form | change)
    )
    finding = doctor.only("index")
    assert (finding.level, said in finding.message) == (Level.WRONG, True)
    assert "BATCH_ASSETS_INDEX_NAME" in finding.cure


@pytest.mark.parametrize(
    ("live", "level", "said"),
    [
        (79, Level.OK, "79 of 100 batch jobs of this model are live"),
        (80, Level.WARNING, "soon partitions will queue"),
        (100, Level.WARNING, "partitions queue until one ends"),
    ],
)
def test_live_jobs_are_compared_with_the_quota(live: int, level: Level, said: str) -> None:
    """Before it is reached, too."""
    finding = quota.judge(Findings("quota"), live=live, allowed=100)
    assert (finding.level, said in finding.message) == (level, True)


def test_jobs_of_the_account_count(doctor: Doctor, still: Aws) -> None:
    """Anybody's."""
    doctor.change(max_live_jobs="1")
    folder = f"s3://{doctor.setting('source_bucket')}/photos/{FIRST}/"
    job = still.bedrock.create_model_invocation_job(
        jobName="anybodys",
        roleArn=still.role_arn,
        modelId=load_settings().model_id,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": folder}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": folder}},
    )
    assert "1 of 1 batch jobs" in doctor.only("quota").message
    still.bedrock.stop_model_invocation_job(jobIdentifier=job["jobArn"])
    still.advance(60)
    still.wait_for_job(job["jobArn"], "Stopped")
    doctor.change(max_live_jobs="101")
    assert [finding.level for finding in doctor.examine("quota")] == [Level.OK, Level.WARNING]


def test_a_template_that_no_picture_lies_under_is_mended_by_the_keys(doctor: Doctor) -> None:
    """The one that they suggest is the cure."""
    doctor.change(prefix_template="images/%Y-%m-%d/", first_partition="2026-11-18")
    finding = doctor.only("prefix_layout")
    assert (finding.level, finding.cure) == (Level.WRONG, "set BATCH_ASSETS_PREFIX_TEMPLATE=photos/%Y/%m/%d/")
    assert f"'photos/{FIRST}/a.jpg'" in finding.message


def test_pictures_without_dates_need_folders(doctor: Doctor) -> None:
    """No template fits them."""
    doctor.change(source_bucket=doctor.aws.new_bucket("flat"))
    doctor.put("photos/a.jpg", "photos/b.jpg")
    assert "they need dates as folders" in doctor.only("prefix_layout").cure


def test_a_bucket_without_pictures_is_told(doctor: Doctor) -> None:
    """Empty, or with other files."""
    doctor.change(source_bucket=doctor.aws.new_bucket("empty"))
    assert doctor.only("prefix_layout").level is Level.WARNING
    doctor.put(f"photos/{FIRST}/notes.txt")
    assert "no picture was found under s3://empty-" in doctor.only("prefix_layout").message


def test_pictures_beside_the_template_are_told(doctor: Doctor) -> None:
    """They would never be embedded."""
    doctor.put("photos/unsorted/b.jpg", "photos/2026/99/99/c.jpg")
    (finding,) = doctor.examine("prefix_layout")
    assert finding.level is Level.WARNING
    assert "2 of 3 pictures" in finding.message
    assert "'photos/2026/99/99/c.jpg'" in finding.message


def test_pictures_before_the_first_partition_are_told(doctor: Doctor) -> None:
    """With the setting that would take them in."""
    doctor.put("photos/2019/03/04/old.jpg")
    warning = doctor.examine("prefix_layout")[1]
    assert "BATCH_ASSETS_FIRST_PARTITION=2019/03/04" in warning.cure


def test_foreign_manifests_in_an_input_folder_are_told(doctor: Doctor) -> None:
    """Bedrock would embed and bill them; our own lock is none."""
    doctor.put(*(f"photos/{FIRST}/{name}" for name in ("_batch_assets.jsonl", "deep/old.JSONL", "1.jsonl")))
    finding = doctor.only("input_folders")
    assert finding.level is Level.WRONG
    assert "photos/2026/11/18/1.jsonl" in finding.message
    assert "deep/old.JSONL" in finding.message
    assert "_batch_assets.jsonl" not in finding.message


def test_partitions_that_share_an_input_folder_are_told(doctor: Doctor) -> None:
    """Bedrock refuses `=`."""
    doctor.change(
        source_bucket=doctor.aws.new_bucket("hive"), prefix_template="in/dt=%Y-%m-%d/", first_partition="2026-11-18"
    )
    doctor.put("in/dt=2026-11-18/a.jpg", "in/old.jsonl", "in/dt=2026-11-18/b.jsonl", "in/_batch_assets.jsonl")
    wrong, warning = doctor.examine("input_folders")
    assert wrong.message.endswith(": 'in/old.jsonl', 'in/dt=2026-11-18/b.jsonl'")
    assert "one job at a time" in warning.message
    assert os.environ["BATCH_ASSETS_SOURCE_BUCKET"] in warning.message
