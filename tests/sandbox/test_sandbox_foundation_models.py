"""What Bedrock tells of its models."""

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Aws
from tests.sandbox.conftest import MODEL_ID


def test_the_model_is_described_listed_and_open(aws: Aws) -> None:
    """In the Region that has it."""
    details = aws.bedrock.get_foundation_model(modelIdentifier=MODEL_ID)["modelDetails"]
    assert (details["modelId"], details["modelLifecycle"]["status"]) == (MODEL_ID, "ACTIVE")
    assert aws.bedrock.get_foundation_model(modelIdentifier=details["modelArn"])["modelDetails"] == details
    assert aws.bedrock.list_foundation_models(byProvider="Amazon")["modelSummaries"] == [details]
    availability = aws.bedrock.get_foundation_model_availability(modelId=MODEL_ID)
    assert availability["agreementAvailability"] == {"status": "AVAILABLE"}
    assert (availability["authorizationStatus"], availability["regionAvailability"]) == ("AUTHORIZED", "AVAILABLE")


@pytest.mark.parametrize(
    "filters", [{"byProvider": "Cohere"}, {"byOutputModality": "TEXT"}, {"byCustomizationType": "FINE_TUNING"}]
)
def test_a_filter_that_it_does_not_fit_lists_nothing(aws: Aws, filters: dict[str, str]) -> None:
    """Another provider, another output, a customisation that it has not."""
    assert aws.bedrock.list_foundation_models(**filters)["modelSummaries"] == []  # type: ignore[arg-type]


def test_another_region_has_it_not(aws: Aws) -> None:
    """It says so, or does not know the model."""
    bedrock = aws.client("bedrock", region_name="eu-west-1")
    assert bedrock.get_foundation_model_availability(modelId=MODEL_ID)["regionAvailability"] == "NOT_AVAILABLE"
    assert bedrock.list_foundation_models()["modelSummaries"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.get_foundation_model(modelIdentifier=MODEL_ID)


def test_another_model_is_not_found(aws: Aws) -> None:
    """By either operation."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws.bedrock.get_foundation_model(modelIdentifier="amazon.titan-embed-image-v1")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws.bedrock.get_foundation_model_availability(modelId="amazon.titan-embed-image-v1")


def test_a_bucket_of_another_owner_is_not_listed(aws: Aws) -> None:
    """The Region of a bucket stands in every answer, the owner is as expected or access is denied."""
    bucket = aws.new_bucket()
    reply = aws.s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="123456789012")
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="999999999999")
