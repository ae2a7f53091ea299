"""What Dagster loads."""

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.world import ASSETS, definitions_of, deployment_settings


@pytest.fixture
def definitions(aws: Aws) -> dg.Definitions:
    """The definitions of a deployment."""
    return definitions_of(deployment_settings(aws))


def test_everything_can_be_loaded(definitions: dg.Definitions) -> None:
    """Six assets, and no resource or job that is missing something."""
    dg.Definitions.validate_loadable(definitions)
    keys = definitions.resolve_all_asset_keys()
    assert {key.to_user_string() for key in keys} == set(ASSETS)


@pytest.mark.parametrize(
    ("job", "assets"),
    [("plan_and_submit", ASSETS[:3]), ("load", ASSETS[3:])],
)
def test_the_graph_is_run_in_two_jobs(definitions: dg.Definitions, job: str, assets: tuple[str, ...]) -> None:
    """Up to Bedrock, and from its results to the index; both by partition."""
    found = definitions.resolve_job_def(job)
    assert {key.to_user_string() for key in found.asset_layer.selected_asset_keys} == set(assets)
    assert isinstance(found.partitions_def, dg.TimeWindowPartitionsDefinition)


def test_loads_come_first_in_the_run_queue(definitions: dg.Definitions) -> None:
    """What is paid for lands before more is planned."""
    priorities = [
        int(definitions.resolve_job_def(job).run_tags.get("dagster/priority", 0)) for job in ("load", "plan_and_submit")
    ]
    assert priorities == [1, 0]


def test_submissions_go_one_after_the_other(definitions: dg.Definitions) -> None:
    """They count the live jobs before they add one, so the step has a pool."""
    assert definitions.resolve_assets_def("batch_job").op.pool == "bedrock_submit"
