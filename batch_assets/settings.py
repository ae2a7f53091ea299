"""Every knob, read once from the environment and `.env`; wrong ones are refused together, in one message."""

import re
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from batch_assets.errors import PartitionError, SettingsError
from batch_assets.partitions import LANE_SEGMENT, IndexNames, PrefixTemplate, template_problem
from batch_assets.spaces import MODELS, NOVA_MULTIMODAL, EmbeddingSpace, embedding_space

ENVIRONMENT_PREFIX = "BATCH_ASSETS_"

_USER_OF_ADDRESS = re.compile(r"//[^/]*@")


def _form(pattern: str, description: str) -> AfterValidator:
    """Accept what matches `pattern` as a whole; an empty optional value is filled in later."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {description}")
        return value

    return AfterValidator(check)


def _template(value: str) -> str:
    problem = template_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be a time zone of the IANA database, for example UTC or Asia/Shanghai") from error
    return value


_BUCKET_FORM = r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]"
Bucket = Annotated[str, _form(_BUCKET_FORM, "a bucket name: 3 to 63 of a-z, 0-9, '-' and '.'")]
VectorBucket = Annotated[
    str, _form(r"[a-z0-9][-a-z0-9]{1,61}[a-z0-9]", "a vector bucket name: 3 to 63 of a-z, 0-9 and '-'")
]
Role = Annotated[
    str,
    _form(r"arn:aws(-[^:]+)?:iam::[0-9]{12}:role/.+", "the ARN of a role: arn:aws:iam::<account>:role/<name>"),
]


class Settings(BaseSettings):
    """All settings of a deployment; the descriptions are the reference that the documentation prints.

    None is a secret: credentials come from the AWS settings, and addresses that carry some are refused.
    Sources of the forms: the service models of Amazon Bedrock, S3 Vectors and IAM, and the S3 user guide.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        protected_namespaces=(),
    )

    source_bucket: Bucket = Field(description="Bucket in which the pictures land")
    prefix_template: Annotated[str, AfterValidator(_template)] = Field(
        "photos/%Y/%m/%d/",
        description="Prefix of a partition in strftime form (%Y, %m, %d, %H); the finest directive decides "
        "monthly, daily or hourly partitions",
    )
    first_partition: str = Field(description="Key of the first partition, for example 2024/01/01")
    inventory_report: str = Field(
        "",
        description="Folder of an S3 Inventory, s3://BUCKET/PREFIX/SOURCE_BUCKET/CONFIGURATION_ID/; complete "
        "partitions are planned from its newest report (empty: the bucket is listed)",
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        "UTC", description="Time zone in which a partition ends"
    )
    account_id: Annotated[str, _form("[0-9]{12}", "an AWS account id: 12 digits")] = Field(
        description="AWS account that owns the buckets"
    )
    role_arn: Role = Field(description="Role that Bedrock assumes to read the pictures and write the results")
    results_bucket: str = Field("", description="Bucket of job results and tables (empty: the source bucket)")
    results_prefix: str = Field("batch-assets/results/", description="Prefix of the job results")
    tables_uri: str = Field("", description="Folder of the tables (empty: batch-assets/tables/ in the results bucket)")
    vector_bucket: VectorBucket = Field(description="S3 vector bucket; created if absent")
    model_id: str = Field(NOVA_MULTIMODAL.model_id, description="Embedding model")
    region: str = Field("us-east-1", description="Region of Bedrock, S3 Vectors and the buckets")
    dimension: int = Field(1024, description="Length of a vector, one that the model offers")
    index_name: str = Field(
        "",
        description="Vector index; created if absent (empty: named after the embedding space); fields of the prefix "
        "template, as in photos-%Y, spread the partitions over several",
    )
    job_timeout_hours: int = Field(24, ge=24, le=168, description="When Bedrock gives a job up, 24 to 168 hours")
    max_live_jobs: int = Field(0, ge=0, description="Live batch jobs in the account (0: the model's quota)")
    max_records_per_job: int = Field(0, ge=0, description="Records in one job (0: the model's quota)")
    max_record_attempts: int = Field(3, ge=1, description="How often a picture is sent before its error is final")
    max_replan_share: float = Field(
        0.5, ge=0, le=1, description="Share of a partition's vectors that one plan may replace without a person's word"
    )
    under_minimum: Literal["on_demand", "hold"] = Field(
        "on_demand",
        description="Fewer pictures than a job takes: on_demand embeds them at the on-demand price, hold keeps them",
    )
    max_cost_per_partition_usd: Decimal = Field(
        Decimal(0), ge=0, description="US dollars that one partition may cost in all; more is held (0: no budget)"
    )
    max_cost_per_day_usd: Decimal = Field(
        Decimal(0), ge=0, description="US dollars that may be submitted in one day, UTC; more is queued (0: no budget)"
    )
    max_load_attempts: int = Field(5, ge=1, description="How often the load of one job is started before it is left")
    late_output_minutes: int = Field(
        60, ge=0, le=60, description="Minutes for which output that is short of what the service counts is waited for"
    )
    max_vectors_per_second: int = Field(2500, ge=1, description="Vectors written to one index per second")
    max_requests_per_second: int = Field(1000, ge=1, description="Write requests to one index per second")
    results_retention_days: int = Field(
        0, ge=0, description="Days for which the output of loaded jobs is kept (0: for ever)"
    )
    dask_scheduler: Annotated[
        str, _form(r"|(tcp|tls|ws|wss)://[^/\s]+:[0-9]{1,5}", "the address of a scheduler, as tcp://10.0.0.5:8786")
    ] = Field("", description="Dask scheduler whose workers share large work (empty: processes of this machine)")
    look_back_partitions: int = Field(3, ge=1, description="Newest complete partitions planned each time (late images)")
    schedule_delay_minutes: int = Field(15, ge=0, le=59, description="Minutes after a partition's end to plan it")
    sensor_interval_seconds: int = Field(30, ge=1, description="Shortest pause between two looks of a sensor")
    pictures: bool = Field(
        True, description="Show pictures in the Dagster UI: thumbnails and plots, some 55 kB a partition"
    )
    alert_topic_arn: Annotated[
        str, _form(r"(arn:aws(-[^:]+)?:sns:[-a-z0-9]+:[0-9]{12}:[-_A-Za-z0-9]{1,256})?", "the ARN of an SNS topic")
    ] = Field("", description="SNS topic that alerts are sent to")
    alert_hook: Annotated[str, _form(r"([\w.]+:\w+)?", "module:function")] = Field(
        "", description="Function that alerts are handed to, as module:function"
    )
    stuck_after_hours: int = Field(48, ge=1, description="Hours of waiting after which a partition counts as stuck")
    web_ui_url: Annotated[
        str, _form(r"(https?://[^@?#\s]+)?", "an http or https address without user, password or query")
    ] = Field("", description="Address of Dagster's web UI, for the links in alerts")
    events_queue_url: Annotated[
        str, _form(r"(https?://[^/]+/[0-9]{12}/[-_a-zA-Z0-9]{1,80})?", "the URL of an SQS queue")
    ] = Field("", description="SQS queue of Bedrock's job events, so that loads start sooner (empty: only polling)")
    poll_seconds: int = Field(
        300, ge=30, description="With a queue of events: longest pause until Bedrock is asked for all jobs all the same"
    )

    @field_validator("first_partition")
    @classmethod
    def _check_first_partition(cls, value: str, info: ValidationInfo) -> str:
        if "prefix_template" in info.data:
            try:
                PrefixTemplate(info.data["prefix_template"]).moment(value)
            except PartitionError as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("inventory_report")
    @classmethod
    def _check_inventory_report(cls, value: str, info: ValidationInfo) -> str:
        if value:
            _refuse_inside_lane(info, *_folder(value))
        return value

    @field_validator("results_bucket")
    @classmethod
    def _check_results_bucket(cls, value: str, info: ValidationInfo) -> str:
        bucket = value or info.data.get("source_bucket", "")
        if bucket and not re.fullmatch(_BUCKET_FORM, bucket):
            raise ValueError("must be a bucket name: 3 to 63 of a-z, 0-9, '-' and '.'")
        return str(bucket)

    @field_validator("results_prefix")
    @classmethod
    def _check_results_prefix(cls, value: str, info: ValidationInfo) -> str:
        if not value.endswith("/"):
            raise ValueError("must end in '/'")
        if not all(LANE_SEGMENT.match(segment) for segment in value[:-1].split("/")):
            raise ValueError("must be folders of letters, digits and -!_*'(). only: Bedrock refuses others in s3Uri")
        _refuse_inside_lane(info, str(info.data.get("results_bucket", "")), value)
        return value

    @field_validator("tables_uri")
    @classmethod
    def _check_tables_uri(cls, value: str, info: ValidationInfo) -> str:
        if not value and not info.data.get("results_bucket"):
            return value
        uri = value or f"s3://{info.data['results_bucket']}/batch-assets/tables/"
        _refuse_inside_lane(info, *_folder(uri))
        return uri

    @field_validator("model_id")
    @classmethod
    def _check_model(cls, value: str) -> str:
        if value not in MODELS:
            raise ValueError(f"must be one of {_list(MODELS)}")
        return value

    @field_validator("region")
    @classmethod
    def _check_region(cls, value: str, info: ValidationInfo) -> str:
        model = MODELS.get(info.data.get("model_id", ""))
        if model and value not in model.batch_regions:
            raise ValueError(f"{model.model_id} has batch inference only in {_list(model.batch_regions)}")
        return value

    @field_validator("dimension")
    @classmethod
    def _check_dimension(cls, value: int, info: ValidationInfo) -> int:
        model = MODELS.get(info.data.get("model_id", ""))
        if model and value not in model.dimensions:
            raise ValueError(f"must be one of {_list(model.dimensions)} for {model.model_id}")
        return value

    @field_validator("index_name")
    @classmethod
    def _check_index(cls, value: str, info: ValidationInfo) -> str:
        if not value and {"model_id", "dimension"} <= info.data.keys():
            return embedding_space(info.data["model_id"], info.data["dimension"]).default_index_name
        if "prefix_template" in info.data:
            problem = IndexNames(value, PrefixTemplate(info.data["prefix_template"])).problem()
            if problem:
                raise ValueError(problem)
        example = datetime(2000, 1, 1).strftime(value)  # noqa: DTZ001 any date: all fields have a fixed width
        if value and not re.fullmatch(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]", example):
            raise ValueError("must be an index name: 3 to 63 of a-z, 0-9, '-' and '.'")
        return value

    @field_validator("max_live_jobs", "max_records_per_job")
    @classmethod
    def _check_limit(cls, value: int, info: ValidationInfo) -> int:
        model = MODELS.get(info.data.get("model_id", ""))
        if model is None:
            return value
        if info.field_name == "max_live_jobs":
            return value or model.max_live_jobs
        if 0 < value < 2 * model.min_records_per_job:
            raise ValueError(
                f"must be at least {2 * model.min_records_per_job}, so that equal parts never fall under the "
                f"model's minimum of {model.min_records_per_job}"
            )
        return value or model.max_records_per_job

    @cached_property
    def template(self) -> PrefixTemplate:
        return PrefixTemplate(self.prefix_template)

    @cached_property
    def index_names(self) -> IndexNames:
        return IndexNames(self.index_name, self.template)

    @cached_property
    def space(self) -> EmbeddingSpace:
        return embedding_space(self.model_id, self.dimension)

    @property
    def results_uri(self) -> str:
        """Output folder of batch jobs, ending in `/`; each job writes to `<results_uri><job id>/`."""
        return f"s3://{self.results_bucket}/{self.results_prefix}"


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises `SettingsError` that names every wrong variable, its value and the cure."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise SettingsError(
            "these settings are wrong (environment or .env):\n" + "\n".join(f"  {line}" for line in lines)
        ) from None


def _explain(problem: Any) -> str:
    name = f"{ENVIRONMENT_PREFIX}{str(problem['loc'][0]).upper()}"
    if problem["type"] == "missing":
        description = Settings.model_fields[str(problem["loc"][0])].description
        return f"{name} is not set: {description}"
    shown = _USER_OF_ADDRESS.sub("//***@", repr(problem["input"]))
    return f"{name}={shown}: {problem['msg'].removeprefix('Value error, ')}"


def _folder(uri: str) -> tuple[str, str]:
    """Bucket and prefix of a folder in S3."""
    parts = re.fullmatch(rf"s3://({_BUCKET_FORM})/((?:[^/]+/)+)", uri)
    if not parts:
        raise ValueError("must be s3://<bucket>/<folder>/, ending in '/'")
    return parts.group(1), parts.group(2)


def _refuse_inside_lane(info: ValidationInfo, bucket: str, prefix: str) -> None:
    template = info.data.get("prefix_template")
    if template and bucket == info.data.get("source_bucket") and PrefixTemplate(template).inside_a_lane(prefix):
        raise ValueError(
            f"lies inside a folder that is submitted to Bedrock ({template}): choose a prefix or a bucket outside it"
        )


def _list(values: Any) -> str:
    return ", ".join(str(value) for value in sorted(values))
