"""`python -m benchmarks.scale.divide_report`: divides the report, reads one partition, prints the seconds as JSON."""

import json
import sys
import time

from batch_assets.aws_clients import aws_client
from batch_assets.partitions import IndexNames, PrefixTemplate
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.inventory_report.partitions import DividedReport
from batch_assets.storage.inventory_report.report import newest_report
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from benchmarks.scale.inventory_report import FIRST_DAY, FOLDER, REPORTS, SOURCE, TEMPLATE


def main() -> None:
    """Divide the newest report."""
    client, template = aws_client("s3", "us-east-1"), PrefixTemplate(TEMPLATE)
    tables = Tables(client, S3Address(REPORTS, "tables/"), Catalog("space", "vectors", IndexNames("index", template)))
    divided = DividedReport(tables, newest_report(client, FOLDER, source_bucket=SOURCE), template)
    begun, idle = time.monotonic(), time.process_time()
    divided.divide(client)
    done, cpu = time.monotonic(), time.process_time() - idle
    rows = divided.objects(f"{FIRST_DAY:%Y/%m/%d}").num_rows
    seen = {
        "seconds": round(done - begun, 1),
        "cpu_seconds": round(cpu, 1),
        "objects_of_one_partition": rows,
        "milliseconds_to_read_one_partition": round(1000 * (time.monotonic() - done)),
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
