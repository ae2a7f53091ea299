"""Settings: what is filled in, and how wrong ones are refused."""

from pathlib import Path
from typing import Any

import pytest

from batch_assets.errors import SettingsError
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings, load_settings

REQUIRED = {
    "source_bucket": "pictures",
    "first_partition": "2024/01/01",
    "account_id": "123456789012",
    "role_arn": "arn:aws:iam::123456789012:role/bedrock-batch",
    "vector_bucket": "vectors",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep this machine's own settings and `.env` away from the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", raising=False)


def refusal(**overrides: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{**REQUIRED, **overrides})
    return str(caught.value)


def test_five_settings_are_enough() -> None:
    """Everything else has a default, derived from the others where that makes sense."""
    settings = load_settings(**REQUIRED)
    assert settings.results_uri == "s3://pictures/batch-assets/results/"
    assert settings.tables_uri == "s3://pictures/batch-assets/tables/"
    assert settings.index_name == settings.space.default_index_name
    assert (settings.max_live_jobs, settings.max_records_per_job) == (100, 100_000)
    assert settings.template.granularity == "daily"


def test_settings_come_from_the_environment_and_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables carry the prefix BATCH_ASSETS_, and win over `.env`."""
    lines = [f"{ENVIRONMENT_PREFIX}{name.upper()}={value}" for name, value in REQUIRED.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "BATCH_ASSETS_DIMENSION=256", "OTHER=1"]), encoding="utf-8")
    monkeypatch.setenv("BATCH_ASSETS_SOURCE_BUCKET", "other-pictures")
    settings = load_settings()
    assert (settings.source_bucket, settings.dimension) == ("other-pictures", 256)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`BATCH_ASSETS_DIMENSION=` in a compose file means the default."""
    monkeypatch.setenv("BATCH_ASSETS_DIMENSION", "")
    assert load_settings(**REQUIRED).dimension == 1024


def test_results_bucket_carries_results_and_tables() -> None:
    """One setting moves everything that is written out of the source bucket."""
    settings = load_settings(**REQUIRED, results_bucket="results")
    assert settings.results_uri == "s3://results/batch-assets/results/"
    assert settings.tables_uri == "s3://results/batch-assets/tables/"


def test_another_space_has_another_index() -> None:
    """Vectors of two dimensions never meet in one index."""
    names = {load_settings(**REQUIRED, dimension=dimension).index_name for dimension in (256, 384, 1024, 3072)}
    assert len(names) == 4


def test_missing_settings_are_all_named_with_their_meaning() -> None:
    """One message lists every variable that has to be set."""
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for name in REQUIRED:
        assert f"BATCH_ASSETS_{name.upper()} is not set: " in str(caught.value)


WRONG = [
    ("source_bucket", "My_Bucket", "3 to 63"),
    ("source_bucket", "ab", "3 to 63"),
    ("source_bucket", "pictures\n", "3 to 63"),
    ("prefix_template", "photos/%Y/%m/%d", "must end in '/'"),
    ("prefix_template", "photos/%Q/", "only %Y, %m, %d and %H are allowed, not %Q"),
    ("first_partition", "2024-01-01", "'%Y/%m/%d'"),
    ("first_partition", "2024/02/30", "'%Y/%m/%d'"),
    ("timezone", "Mars/Olympus", "IANA"),
    ("timezone", "../etc/passwd", "IANA"),
    ("account_id", "1234", "12 digits"),
    ("account_id", "١٢٣٤٥٦٧٨٩٠١٢", "12 digits"),
    ("role_arn", "bedrock-batch", "arn:aws:iam::<account>:role/<name>"),
    ("role_arn", "arn:aws:iam::123456789012:user/me", "arn:aws:iam::<account>:role/<name>"),
    ("results_bucket", "Results", "3 to 63"),
    ("results_prefix", "results", "must end in '/'"),
    ("results_prefix", "results/dt=1/", "letters, digits"),
    ("results_prefix", "/results/", "letters, digits"),
    ("results_prefix", "re sults/", "letters, digits"),
    ("results_prefix", "photos/2024/01/02/results/", "outside it"),
    ("tables_uri", "/tables/", "s3://<bucket>/<folder>/"),
    ("tables_uri", "s3://results/tables", "s3://<bucket>/<folder>/"),
    ("tables_uri", "s3://results/", "s3://<bucket>/<folder>/"),
    ("tables_uri", "s3://pictures/photos/2024/01/02/tables/", "outside it"),
    ("vector_bucket", "has.dot", "3 to 63"),
    ("model_id", "cohere.embed-v4:0", "amazon.nova-2-multimodal-embeddings-v1:0"),
    ("region", "eu-central-1", "us-east-1"),
    ("dimension", 512, "256, 384, 1024, 3072"),
    ("dimension", "many", "integer"),
    ("index_name", "Under_score", "3 to 63"),
    ("index_name", "photos-%H", "fields of the prefix template (%Y, %m, %d), not %H"),
    ("index_name", "photos-%", "not %"),
    ("index_name", "x" * 60 + "%Y", "3 to 63"),
    ("inventory_report", "reports/", "s3://<bucket>/<folder>/"),
    ("inventory_report", "s3://reports", "s3://<bucket>/<folder>/"),
    ("inventory_report", "s3://pictures/photos/2024/01/02/daily/", "outside it"),
    ("job_timeout_hours", 23, "greater than or equal to 24"),
    ("job_timeout_hours", 169, "less than or equal to 168"),
    ("max_live_jobs", -1, "greater than or equal to 0"),
    ("max_records_per_job", 199, "at least 200"),
    ("max_record_attempts", 0, "greater than or equal to 1"),
    ("max_load_attempts", 0, "greater than or equal to 1"),
    ("max_vectors_per_second", 0, "greater than or equal to 1"),
    ("max_requests_per_second", 0, "greater than or equal to 1"),
    ("dask_scheduler", "10.0.0.5:8786", "as tcp://10.0.0.5:8786"),
    ("dask_scheduler", "http://10.0.0.5:8786", "as tcp://10.0.0.5:8786"),
    ("look_back_partitions", 0, "greater than or equal to 1"),
    ("schedule_delay_minutes", 60, "less than or equal to 59"),
    ("sensor_interval_seconds", 0, "greater than or equal to 1"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_setting_is_refused_with_name_value_and_cure(name: str, value: Any, allowed: str) -> None:
    """The message names the variable, shows the value, and says what is allowed."""
    message = refusal(**{name: value})
    (line,) = [line for line in message.splitlines() if f"BATCH_ASSETS_{name.upper()}=" in line]
    assert f"={value!r}: " in line
    assert allowed in line


def test_all_wrong_settings_stand_in_one_message() -> None:
    """Independent mistakes are told together."""
    wrong = {
        "source_bucket": "My_Bucket",
        "prefix_template": "photos/%Q",
        "timezone": "Mars/Olympus",
        "account_id": "1234",
        "role_arn": "bedrock-batch",
        "results_prefix": "results/dt=1/",
        "tables_uri": "/tables/",
        "vector_bucket": "has.dot",
        "region": "eu-central-1",
        "dimension": 512,
        "index_name": "Under_score",
        "job_timeout_hours": 169,
        "max_records_per_job": 199,
    }
    message = refusal(**wrong)
    assert [name for name in wrong if f"BATCH_ASSETS_{name.upper()}=" not in message] == []


@pytest.mark.parametrize("name", ["results_prefix", "tables_uri"])
def test_nothing_is_written_into_the_lane_of_a_whole_bucket(name: str) -> None:
    """`dt=...` at the top of a bucket makes the bucket the lane: results belong in another one."""
    hive = {"prefix_template": "dt=%Y-%m-%d/", "first_partition": "2024-01-01"}
    assert f"BATCH_ASSETS_{name.upper()}=" in refusal(**hive)
    assert load_settings(**REQUIRED | hive, results_bucket="results").results_bucket == "results"


def test_a_results_prefix_like_a_lane_is_fine_in_another_bucket() -> None:
    """Only the source bucket is submitted."""
    settings = load_settings(**REQUIRED, results_bucket="results", results_prefix="photos/2024/01/02/")
    assert settings.results_uri == "s3://results/photos/2024/01/02/"


def test_settings_cannot_be_changed_afterwards() -> None:
    """They are read once."""
    settings = load_settings(**REQUIRED)
    with pytest.raises(ValueError, match="frozen"):
        settings.dimension = 256


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    """It would go into every alert, and the refusal goes into logs."""
    told = refusal(web_ui_url="https://someone:swordfish@dagster.example")
    assert "BATCH_ASSETS_WEB_UI_URL='https://***@dagster.example': must be an http or https address without" in told
    assert "swordfish" not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("events_queue_url", "events"),
        ("events_queue_url", "https://sqs.us-east-1.amazonaws.com/1234/events"),
        ("alert_topic_arn", "arn:aws:sqs:us-east-1:123456789012:alerts"),
        ("alert_hook", "package.module.function"),
        ("web_ui_url", "dagster.example"),
    ],
)
def test_where_events_and_alerts_go_is_checked(name: str, value: str) -> None:
    """By its form; whether it is there is seen when it is asked."""
    assert f"BATCH_ASSETS_{name.upper()}={value!r}: must be" in refusal(**{name: value})
