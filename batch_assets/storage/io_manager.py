"""The IO manager: assets hand over rows and get tables back; all of it is parquet in S3."""

import sys
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster_aws.s3 import S3Resource

from batch_assets.partitions import IndexNames, PrefixTemplate
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import StoredTable, TableOutput, Tables


class TablesResource(dg.ConfigurableResource[Any]):
    """Where the tables are, for assets that read earlier versions of their own or of others' partitions."""

    s3: dg.ResourceDependency[S3Resource]
    tables_uri: str
    space: str
    vector_bucket: str
    index_name: str
    prefix_template: str

    def store(self) -> Tables:
        """The tables, with a client of their own."""
        indexes = IndexNames(self.index_name, PrefixTemplate(self.prefix_template))
        catalog = Catalog(self.space, self.vector_bucket, indexes)
        return Tables(self.s3.get_client(), S3Address.parse(self.tables_uri), catalog)


class ParquetIOManager(dg.ConfigurableIOManager):
    """Stores a partition's rows as one parquet object and gives them back in the type that the reader asks for.

    Takes Arrow tables, Arrow streams (`pyarrow.RecordBatchReader`), pandas frames, and `TableOutput`, which adds facts
    and the version that was read. Gives `StoredTable` (rows on demand, with facts), `pyarrow.Table`,
    `pyarrow.RecordBatchReader` or `pandas.DataFrame`, by the annotation of the input.
    """

    tables: dg.ResourceDependency[TablesResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Replace the partition atomically; see `Tables.write` for the errors."""
        output = obj if isinstance(obj, TableOutput) else TableOutput(obj)
        store = self.tables.store()
        catalog = output.catalog or store.catalog
        path = catalog.path(context.asset_key.path[-1], context.asset_partition_key)
        facts = {"space": catalog.space, **output.facts}
        store.write(path, TableOutput(output.rows, facts, output.replaces))
        context.add_output_metadata({"dagster/uri": store.address(path).uri})

    def load_input(self, context: dg.InputContext) -> Any:
        """The stored partition, as `StoredTable` unless the input is annotated otherwise."""
        table = self.tables.store().partition(context.asset_key.path[-1], context.asset_partition_key)
        return as_type(table, context.dagster_type.typing_type)


def as_type(table: StoredTable, wanted: Any) -> Any:
    """A stored table in the type that a reader annotates."""
    # Whoever annotates a frame has imported pandas; nobody else waits for that.
    pandas = sys.modules.get("pandas")
    if pandas is not None and wanted is pandas.DataFrame:
        return table.rows().to_pandas()
    if wanted is pa.Table:
        return table.rows()
    if wanted is pa.RecordBatchReader:
        return table.stream()
    return table
