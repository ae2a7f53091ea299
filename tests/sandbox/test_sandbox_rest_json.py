"""The generic rest-json layer, with botocore as the oracle for the wire format."""

import copy
import datetime as dt
import io
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.rest_json import RestJsonApi
from batch_assets.sandbox.rest_json_request import HttpRequest, parse_request
from batch_assets.sandbox.rest_json_response import write_response

S3VECTORS = RestJsonApi("s3vectors", max_body_bytes=1000)
BEDROCK = RestJsonApi("bedrock")
RUNTIME = RestJsonApi("bedrock-runtime")
APIS = {api.service_name: api for api in (S3VECTORS, BEDROCK, RUNTIME)}
SERVED = [
    *(("s3vectors", name) for name in S3VECTORS.model.operation_names),
    ("bedrock", "CreateModelInvocationJob"),
    ("bedrock", "GetModelInvocationJob"),
    ("bedrock", "ListModelInvocationJobs"),
    ("bedrock", "StopModelInvocationJob"),
    ("bedrock", "TagResource"),
    ("bedrock", "UntagResource"),
    ("bedrock", "ListTagsForResource"),
    ("bedrock-runtime", "InvokeModel"),
]
JOB = {
    "jobName": "a-job",
    "roleArn": "arn:aws:iam::123456789012:role/batch",
    "modelId": "amazon.nova-2-multimodal-embeddings-v1:0",
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://photos/2024/01/02/"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://results/jobs/"}},
}


@cache
def unpatterned(service: str) -> ServiceModel:
    """Return a service model whose strings have no patterns, so that any text is valid input."""
    description = copy.deepcopy(Loader().load_service_model(service, "service-2"))
    for shape in description["shapes"].values():
        shape.pop("pattern", None)
    return ServiceModel(description, service)


def texts(shape: Any) -> st.SearchStrategy[str]:
    """Return strings that fit a shape and the place it travels in."""
    if shape.enum:
        return st.sampled_from(shape.enum)
    low = max(shape.metadata.get("min", 0), 1)
    high = min(shape.metadata.get("max", low + 10), low + 10)
    is_header = shape.serialization.get("location") == "header"
    alphabet = st.characters(codec="ascii" if is_header else "utf-8", exclude_categories=["Cs", "Cc", "Zs"])
    return st.text(alphabet, min_size=low, max_size=high)


def values(shape: Any) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 - one case a type
    """Return values that fit a shape."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    match shape.type_name:
        case "structure" if shape.is_document_type:
            return st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), min_size=1, max_size=3)
        case "structure" if shape.is_tagged_union:
            return st.sampled_from(sorted(shape.members)).flatmap(
                lambda name: st.fixed_dictionaries({name: values(shape.members[name])})
            )
        case "structure":
            members = {name: values(member) for name, member in shape.members.items()}
            required = {name: members.pop(name) for name in shape.required_members}
            return st.fixed_dictionaries(required, optional=members)
        case "list":
            return st.lists(values(shape.member), min_size=max(low or 0, 1), max_size=max(low or 0, 2))
        case "map":
            return st.dictionaries(values(shape.key), values(shape.value), min_size=1, max_size=2)
        case "string":
            return texts(shape)
        case "integer" | "long":
            return st.integers(low or 0, high or 1000)
        case "float" | "double":
            return st.floats(-1, 1, width=32)
        case "boolean":
            return st.booleans()
        case "timestamp":
            moments = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - the zone is beside it
            return moments.map(lambda moment: moment.replace(microsecond=0))
        case _:
            return st.binary(min_size=1, max_size=20)


def sent_by_botocore(api: RestJsonApi, operation: OperationModel, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what the server reads of a request that botocore wrote."""
    serializer = create_serializer("rest-json", include_validation=False)
    request = serializer.serialize_to_request(parameters, operation)
    prepare_request_dict(request, endpoint_url="http://127.0.0.1")
    address = urlsplit(request["url"])
    route = api.route(method=request["method"], raw_path=address.path)
    assert route is not None
    assert route.operation.name == operation.name
    return parse_request(
        operation,
        HttpRequest(
            labels=route.labels,
            query=parse_qs(address.query, keep_blank_values=True),
            headers={name.lower(): str(value) for name, value in request["headers"].items()},
            body=request["body"] if isinstance(request["body"], bytes) else str(request["body"]).encode(),
        ),
    )


@pytest.mark.parametrize(("service", "name"), SERVED)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_request_is_read_as_botocore_wrote_it(service: str, name: str, data: st.DataObject) -> None:
    """Every member of every operation that is served arrives with its value and type."""
    operation = unpatterned(service).operation_model(name)
    parameters = data.draw(values(operation.input_shape))
    assert sent_by_botocore(APIS[service], operation, parameters) == parameters


@pytest.mark.parametrize(("service", "name"), SERVED)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_answer_is_read_by_botocore_as_it_was_written(service: str, name: str, data: st.DataObject) -> None:
    """Every member of an output reaches the client with its value and type."""
    operation = unpatterned(service).operation_model(name)
    output = data.draw(values(operation.output_shape)) if operation.output_shape else {}
    response = write_response(operation, output)
    # As in a client, which hands on a body that is a payload unread.
    shape: Any = operation.output_shape
    payload = shape.serialization.get("payload") if shape else None
    body: Any = io.BytesIO(response.body) if payload else response.body
    parsed = create_parser("rest-json").parse(
        {"status_code": response.status, "headers": response.headers, "body": body}, shape
    )
    parsed.pop("ResponseMetadata")
    if payload:
        parsed[payload] = parsed[payload].read()
    assert parsed == output


def refusal(api: RestJsonApi, operation: str, parameters: dict[str, Any]) -> ModelledError:
    """Return the error with which parameters are refused."""
    with pytest.raises(ModelledError) as caught:
        sent_by_botocore(api, api.model.operation_model(operation), parameters)
    return caught.value


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"jobName": "under_score"}, "satisfy regular expression pattern"),
        ({"jobName": ""}, "have length between 1 and 63, inclusive"),
        ({"jobName": "a" * 64}, "have length between 1 and 63, inclusive"),
        ({"clientRequestToken": "a_b"}, "satisfy regular expression pattern"),
        ({"roleArn": "role"}, "satisfy regular expression pattern"),
        ({"timeoutDurationInHours": 23}, "be between 24 and 168, inclusive"),
        ({"timeoutDurationInHours": 169}, "be between 24 and 168, inclusive"),
        ({"modelInvocationType": "Foo"}, "satisfy enum value set: [InvokeModel, Converse]"),
        ({"inputDataConfig": {}}, "have exactly one of these set"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://b1b/dt=2024/"}}}, "regular expression"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://b1b/a b/"}}}, "regular expression"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://b1b/a//b"}}}, "regular expression"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://b1b/a", "s3InputFormat": "CSV"}}}, "[JSONL]"),
        ({"outputDataConfig": {"s3OutputDataConfig": {}}}, "not be null"),
        ({"tags": [{"key": "a|b", "value": ""}]}, "satisfy regular expression pattern"),
        ({"tags": [{"key": f"k{number}", "value": ""} for number in range(201)]}, "have length between 0 and 200"),
    ],
)
def test_what_boto3_lets_through_is_refused(change: dict[str, Any], constraint: str) -> None:
    """Patterns, maxima, enums and unions of CreateModelInvocationJob are enforced."""
    error = refusal(BEDROCK, "CreateModelInvocationJob", JOB | change)
    assert error.code == "ValidationException"
    assert constraint in error.message


def test_a_job_within_all_limits_is_accepted() -> None:
    """The base of the table above is valid itself."""
    assert sent_by_botocore(BEDROCK, BEDROCK.model.operation_model("CreateModelInvocationJob"), JOB) == JOB


def test_the_text_and_fields_of_a_validation_error_are_those_of_aws() -> None:
    """One violation: the text seen from S3 Vectors, and the same as a field."""
    error = refusal(
        S3VECTORS,
        "CreateIndex",
        {
            "vectorBucketName": "vectors",
            "indexName": "nova",
            "dataType": "float32",
            "dimension": 4097,
            "distanceMetric": "cosine",
        },
    )
    message = "Value at '/dimension' failed to satisfy constraint: Member must be between 1 and 4096, inclusive"
    assert error.message == f"1 validation error detected. {message}"
    assert error.fields == [{"path": "/dimension", "message": message}]


def test_all_violations_are_told_at_once() -> None:
    """Two broken members give two fields and a plural."""
    error = refusal(S3VECTORS, "CreateIndex", {"indexName": "n", "dimension": 0})
    assert error.message.startswith("4 validation errors detected. ")
    assert [entry["path"] for entry in error.fields or []] == [
        "/indexName",
        "/dataType",
        "/dimension",
        "/distanceMetric",
    ]


def call(api: RestJsonApi, handler: object, *, body: bytes, path: str = "/ListVectorBuckets") -> tuple[int, str, str]:
    """Return status, error type and body of a call."""
    route = api.route(method="POST", raw_path=path)
    assert route is not None
    response = api.call(handler, route, query_string="", headers={}, body=body)
    return response.status, response.headers.get("x-amzn-ErrorType", ""), response.body.decode()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"maxResults":"ten"}', b'{"maxResults":true}'])
def test_a_body_that_is_not_of_the_models_types_is_a_serialization_error(body: bytes) -> None:
    """Broken JSON and wrong types do not reach the handler."""
    assert call(S3VECTORS, Empty(), body=body)[:2] == (400, "SerializationException")


class Empty:
    """A handler that lists nothing."""

    def list_vector_buckets(self, _: dict[str, Any]) -> dict[str, Any]:
        """Return an empty list."""
        return {"vectorBuckets": []}


class Failing:
    """A handler that fails with a given code."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        self.code = code

    def list_vector_buckets(self, _: dict[str, Any]) -> dict[str, Any]:
        """Fail."""
        raise ModelledError(self.code, "because")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ValidationException", 400),
        ("NotFoundException", 404),
        ("ConflictException", 409),
        ("ServiceQuotaExceededException", 402),
        ("TooManyRequestsException", 429),
        ("ServiceUnavailableException", 503),
    ],
)
def test_an_error_has_the_status_of_the_model(code: str, status: int) -> None:
    """The handler names a code; the model knows its status."""
    assert call(S3VECTORS, Failing(code), body=b"{}")[:2] == (status, code)


def test_an_operation_without_a_handler_says_so() -> None:
    """An operation that AWS has and the sandbox lacks is a modelled error, not a page."""
    status, code, body = call(S3VECTORS, object(), body=b"{}")
    assert (status, code) == (501, "NotImplementedException")
    assert "s3vectors ListVectorBuckets" in body


def test_a_body_over_the_limit_is_refused() -> None:
    """The limit of a request counts its bytes on the wire."""
    status, code, body = call(S3VECTORS, Empty(), body=b" " * 1001)
    assert (status, code) == (400, "ValidationException")
    assert "Request body exceeds max allowed size" in body


def test_arns_in_paths_are_matched_encoded() -> None:
    """An ARN with an encoded slash is one label."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
    route = BEDROCK.route(method="GET", raw_path=f"/model-invocation-job/{arn.replace('/', '%2F')}")
    assert route is not None
    assert route.labels == {"jobIdentifier": arn}
