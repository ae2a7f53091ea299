"""The project in Dagster's web UI, used as a data engineer uses it: look, launch, wait, read."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DagsterUi

pytestmark = pytest.mark.slow

ASSETS = ("image_inventory", "batch_manifest", "batch_job", "embedding_table", "rejected_images", "vector_index")


@pytest.fixture(autouse=True)
def _no_error_in_the_page(ui: DagsterUi) -> Iterator[None]:
    yield
    assert ui.errors == []


def test_all_assets_stand_in_one_graph(ui: DagsterUi) -> None:
    """The page that the command names shows the whole graph, and nothing else."""
    ui.open("/asset-groups")

    for name in ASSETS:
        expect(ui.asset_in_graph(name)).to_be_visible()
    expect(ui.assets_in_graph()).to_have_count(len(ASSETS))


def test_clicked_partition_is_loaded_by_the_sensor(ui: DagsterUi, partition: str) -> None:
    """One launch of plan_and_submit is enough: the index's partition becomes materialised by the job load."""
    ui.open_partition("vector_index", partition)

    expect(ui.page.get_by_text("Materialized", exact=True)).to_be_visible()
    expect(ui.page.get_by_role("link", name="load", exact=True)).to_be_visible()
    assert ui.number("indexed") > 0


@pytest.mark.usefixtures("partition")
def test_asset_shows_what_it_is(ui: DagsterUi) -> None:
    """Near enough, an asset of the group shows its kinds, its checks and how many partitions it has."""
    ui.open("/locations/batch_assets/asset-groups/image_embeddings")
    table = ui.asset_in_graph("embedding_table")
    ui.zoom_until_visible(table.get_by_text("Asset checks"))

    expect(table.get_by_text("4 / 4 Passed")).to_be_visible()
    expect(table.get_by_text("20% filled")).to_be_visible()
    expect(table.get_by_text("Parquet")).to_be_visible()
    ui.shoot("asset-graph")


def test_embedding_table_accounts_for_every_picture(ui: DagsterUi, partition: str) -> None:
    """Its partition's metadata count the pictures, and show the first rows without the vectors."""
    ui.open_partition("embedding_table", partition)

    expect(ui.metadata("embedded")).to_be_visible()
    assert ui.number("embedded") > 0
    assert ui.number("embedded") + ui.number("rejected") + ui.number("waiting") == ui.number("images")
    expect(ui.metadata("preview").locator("tr").filter(has_text=f"photos/{partition}/")).to_have_count(8)
    expect(ui.metadata("preview").get_by_text("embedding", exact=True)).to_have_count(0)
    ui.shoot("partition-metadata")


def test_rejected_images_name_the_picture_and_the_reason(ui: DagsterUi, partition: str) -> None:
    """The text that is called a picture stands in the table with what the model said of it."""
    ui.open_partition("rejected_images", partition)

    refused = ui.metadata("preview").locator("tr").filter(has_text="shopping-list.jpg")
    expect(refused).to_have_count(1)
    ui.shoot("rejected-images")


def test_batch_job_tells_how_its_job_got_on(ui: DagsterUi, partition: str) -> None:
    """A partition of batch_job says that it was submitted, and its history what became of the job."""
    ui.open_partition("batch_job", partition)
    expect(ui.metadata("state")).to_have_text("submitted")
    expect(ui.metadata("job_name")).to_contain_text("-".join(["ba", *partition.split("/")]))
    ui.page.get_by_role("tab", name="Events").click()

    expect(ui.page.get_by_text(f"Partition {partition} observed")).to_be_visible()
    expect(ui.metadata("status")).to_have_text("Completed")
    assert ui.number("succeeded") + ui.number("errors") == ui.number("records") > 0
    ui.shoot("batch-job-events")


def test_both_sensors_run_and_the_schedule_waits_for_a_person(ui: DagsterUi) -> None:
    """The sensors are on from the start; the schedule, which spends money by itself, is not."""
    ui.open("/automation")

    expect(ui.switch_of("completion_sensor")).to_be_checked()
    expect(ui.switch_of("submission_sensor")).to_be_checked()
    expect(ui.switch_of("plan_newest_partitions")).not_to_be_checked()
    ui.shoot("sensors")
