"""The model: offered in the Region, and open to the account. It is not called."""

from collections.abc import Iterator, Mapping
from typing import Any

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings

_ACCESS = "open it in the Bedrock console (Model access); an organisation's service control policy may forbid it"


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    name = settings.space.model.model_id
    client = deployment.client("bedrock")
    availability = client.get_foundation_model_availability(modelId=name)
    problems = list(closed(found, name, settings.region, availability))
    yield from problems
    if not problems:
        details = client.get_foundation_model(modelIdentifier=name)["modelDetails"]
        yield lifecycle(found, name, details.get("modelLifecycle", {}))


def closed(found: Findings, name: str, region: str, availability: Mapping[str, Any]) -> Iterator[Finding]:
    """Why the account cannot use the model, from the answer of GetFoundationModelAvailability."""
    if availability["regionAvailability"] != "AVAILABLE":
        yield found.wrong(f"{name} is not offered in {region}", "set BATCH_ASSETS_REGION to a Region that offers it")
    if availability["authorizationStatus"] != "AUTHORIZED":
        yield found.wrong(f"the account is not authorized to use {name}", _ACCESS)
    if availability["entitlementAvailability"] != "AVAILABLE":
        yield found.wrong(f"the account has no access to {name}", _ACCESS)
    agreement = availability["agreementAvailability"]
    if agreement["status"] != "AVAILABLE":
        why = agreement.get("errorMessage") or agreement["status"]
        yield found.wrong(f"the account has no agreement for {name}: {why}", _ACCESS)


def lifecycle(found: Findings, name: str, stated: Mapping[str, Any]) -> Finding:
    """Whether the model is to be withdrawn, from the answer of GetFoundationModel."""
    if stated.get("status") == "LEGACY":
        end = f" and ends on {stated['endOfLifeTime']:%Y-%m-%d}" if "endOfLifeTime" in stated else ""
        return found.warning(
            f"{name} is a legacy model{end}", "plan another embedding space: see BATCH_ASSETS_MODEL_ID"
        )
    return found.ok(f"{name} is open to the account")
