"""The project in Dagster's web UI, used as a data engineer uses it: look, launch, wait, read."""

from collections.abc import Iterator

import pytest
from mypy_boto3_s3 import S3Client
from playwright.sync_api import expect

from batch_assets.cli.local_world import BUCKET
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


def test_inventory_shows_the_partitions_pictures(ui: DagsterUi, partition: str) -> None:
    """One click opens a contact sheet: the browser decodes each thumbnail, and a name belongs to each."""
    ui.open_partition("image_inventory", partition)
    assert ui.number("images") == ui.number("eligible") + ui.number("ineligible")
    ui.shoot("inventory-metadata")

    sheet = ui.show_pictures()

    expect(sheet.locator("img")).to_have_count(24)
    expect(sheet.get_by_text("24 of 129 pictures")).to_be_visible()
    expect(sheet.get_by_alt_text("astronaut").first).to_be_visible()
    ui.shoot("contact-sheet", sheet)


def test_embedding_table_accounts_for_every_picture(ui: DagsterUi, partition: str) -> None:
    """Its partition's metadata count the pictures, and show the first rows without the vectors."""
    ui.open_partition("embedding_table", partition)

    expect(ui.metadata("embedded")).to_be_visible()
    assert ui.number("embedded") > 0
    assert ui.number("embedded") + ui.number("rejected") + ui.number("waiting") == ui.number("images")
    expect(ui.metadata("preview").locator("tr").filter(has_text=f"photos/{partition}/")).to_have_count(8)
    expect(ui.metadata("preview").get_by_text("embedding", exact=True)).to_have_count(0)
    ui.shoot("partition-metadata")


def test_embedding_table_shows_how_its_vectors_lie(ui: DagsterUi, partition: str) -> None:
    """A map with pictures on it, distributions, and near-duplicates beside each other."""
    ui.open_partition("embedding_table", partition)

    report = ui.show_pictures()

    for heading in ("Map of 128 of 128 vectors", "groups of near-duplicates"):
        expect(report.get_by_role("heading").filter(has_text=heading)).to_be_visible()
    expect(report.get_by_alt_text("map of the vectors")).to_be_visible()
    ui.shoot("embedding-map", report)


def test_rejected_images_name_the_picture_and_the_reason(ui: DagsterUi, partition: str) -> None:
    """The text that is called a picture has a box in its place, and what the model said of it; few need no click."""
    ui.open_partition("rejected_images", partition)

    refused = ui.metadata("preview").locator("tr").filter(has_text="shopping-list.jpg")
    expect(refused).to_have_count(1)
    shown = ui.metadata("pictures")
    ui.require_decoded(shown)
    expect(shown.get_by_alt_text("shopping-list.jpg: cannot be decoded as a picture")).to_be_visible()
    ui.shoot("rejected-images")


def test_batch_job_tells_how_its_job_got_on(ui: DagsterUi, partition: str) -> None:
    """A partition of batch_job says that it was submitted, and every state that its job has been in since."""
    ui.open_partition("batch_job", partition)

    expect(ui.metadata("state")).to_have_text("submitted")
    expect(ui.metadata("job_name")).to_contain_text("-".join(["ba", *partition.split("/")]))
    expect(ui.metadata("status")).to_have_text("Completed")
    assert ui.number("succeeded") + ui.number("errors") == ui.number("records") > 0
    states = ui.metadata("history").locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert (states[0], states[-1]) == ("Submitted", "Completed")
    ui.shoot("batch-job-history")


def test_vector_index_tells_what_was_written(ui: DagsterUi, partition: str) -> None:
    """What was put, deleted and left alone, how fast, and how often the service said no."""
    ui.open_partition("vector_index", partition)

    assert ui.number("put") == ui.number("indexed") > 0
    assert (ui.number("deleted"), ui.number("unchanged"), ui.number("throttled_calls")) == (0, 0, 0)
    assert float(ui.metadata("vectors_per_second").inner_text()) > 0
    ui.shoot("vector-index")


def test_both_sensors_run_and_the_schedule_waits_for_a_person(ui: DagsterUi) -> None:
    """The sensors are on from the start; the schedule, which spends money by itself, is not."""
    ui.open("/automation")

    expect(ui.switch_of("completion_sensor")).to_be_checked()
    expect(ui.switch_of("submission_sensor")).to_be_checked()
    expect(ui.switch_of("plan_newest_partitions")).not_to_be_checked()
    ui.shoot("sensors")


def test_clicked_backfill_is_finished_by_the_sensors(ui: DagsterUi, backfilled: list[str]) -> None:
    """A backfill of plan_and_submit is green, and the sensors load what it has submitted."""
    assert len(backfilled) == 3
    ui.open("/runs?view=backfills")

    expect(ui.page.get_by_text("2 partitions")).to_be_visible()
    expect(ui.page.get_by_text("Success")).to_be_visible()
    ui.shoot_top("backfill", 260)


def test_counts_plot_over_partitions(ui: DagsterUi, backfilled: list[str]) -> None:
    """Counts and costs are numbers, so that the web UI draws them."""
    ui.open(f"/assets/embedding_table?view=overview&partition={backfilled[0]}")
    ui.page.get_by_role("button", name="Plots").click()

    for name in ("cost_usd", "embedded", "near_duplicates"):
        expect(ui.page.get_by_text(name, exact=True)).to_be_visible()
    ui.shoot("plots")


@pytest.mark.usefixtures("backfilled")
def test_asset_shows_what_it_is(ui: DagsterUi) -> None:
    """Near enough, an asset of the group shows its kinds, its checks and how many partitions it has."""
    ui.open("/locations/batch_assets/asset-groups/image_embeddings")
    table = ui.asset_in_graph("embedding_table")
    ui.zoom_until_visible(table.get_by_text("Asset checks"))

    expect(table.get_by_text("4 / 4 Passed")).to_be_visible()
    expect(table.get_by_text("60% filled")).to_be_visible()
    expect(table.get_by_text("Parquet")).to_be_visible()
    ui.shoot("asset-graph")


def test_failed_check_says_what_is_wrong_and_what_to_do(ui: DagsterUi, launched: list[str], source: S3Client) -> None:
    """A .jsonl file that Bedrock would bill keeps a folder from being submitted: the check names it."""
    refused = launched[3]
    source.put_object(Bucket=BUCKET, Key=f"photos/{refused}/labels.jsonl", Body=b"{}\n")
    ui.launch(refused, screenshot="launch-refused")
    ui.open("/assets/batch_job?view=checks&checkDetail=manifest_is_with_bedrock")

    ui.reload_until_visible(f"{refused}: refused: ", exact=False)
    verdict = ui.page.get_by_text(f"{refused}: refused: ")
    expect(verdict.first).to_contain_text("labels.jsonl")
    expect(verdict.first).to_contain_text("move them elsewhere")
    ui.shoot_top("failed-check", 560)
