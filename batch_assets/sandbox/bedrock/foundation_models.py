"""The read operations on foundation models, which know one model.

Source: the service model of Amazon Bedrock (GetFoundationModel, GetFoundationModelAvailability,
ListFoundationModels). AWS publishes no example of these answers for this model: what they say
follows its pages in the Bedrock and Nova user guides, and the texts of refusals are our own.
"""

from typing import Any

from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.errors import ModelledError

_FILTERS = {
    "byProvider": ("Amazon",),
    "byOutputModality": ("EMBEDDING",),
    "byInferenceType": ("ON_DEMAND",),
    "byCustomizationType": (),
}


class FoundationModels:
    """The foundation models of one Region."""

    def __init__(self, region: str) -> None:
        """Know the model where it is offered."""
        self._region = region

    def get_foundation_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Describe the model; another, or another Region's, is not found."""
        if model.model_name(request["modelIdentifier"]) != model.MODEL_ID or not self._offered:
            raise _not_found(request["modelIdentifier"])
        return {"modelDetails": self._details()}

    def get_foundation_model_availability(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell that the account may use the model, and whether this Region has it."""
        if request["modelId"] != model.MODEL_ID:
            raise _not_found(request["modelId"])
        return {
            "modelId": model.MODEL_ID,
            "agreementAvailability": {"status": "AVAILABLE"},
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE" if self._offered else "NOT_AVAILABLE",
        }

    def list_foundation_models(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the model if this Region has it and all filters of the request fit it."""
        fits = all(request.get(name) in (None, *values) for name, values in _FILTERS.items())
        return {"modelSummaries": [self._details()] if fits and self._offered else []}

    @property
    def _offered(self) -> bool:
        return self._region in model.BATCH_REGIONS

    def _details(self) -> dict[str, Any]:
        return {
            "modelArn": f"arn:aws:bedrock:{self._region}::foundation-model/{model.MODEL_ID}",
            "modelId": model.MODEL_ID,
            "modelName": "Amazon Nova Multimodal Embeddings",
            "providerName": "Amazon",
            "inputModalities": ["TEXT", "IMAGE"],
            "outputModalities": ["EMBEDDING"],
            "responseStreamingSupported": False,
            "customizationsSupported": [],
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": {"status": "ACTIVE"},
        }


def _not_found(identifier: str) -> ModelledError:
    return ModelledError("ResourceNotFoundException", f"The foundation model {identifier} could not be found.")
