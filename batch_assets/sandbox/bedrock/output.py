"""The output of a batch job: one file per input file, in no particular order, and the counts."""

import random
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile

import orjson

from batch_assets.sandbox.bedrock.job import Counts
from batch_assets.sandbox.bedrock.records import S3Object
from batch_assets.sandbox.faults import JobFaults, chosen
from batch_assets.sandbox.s3_store import ObjectStore, spool

_SUFFIX = ".out"


@dataclass(frozen=True)
class _Line:
    index: int  # of the record in the job
    record_id: str
    offset: int
    size_bytes: int


@dataclass
class OutputFile:
    """The lines that belong to one input file, in a temporary file until the job ends."""

    name: str
    _content: "SpooledTemporaryFile[bytes]" = field(default_factory=spool)
    _lines: list[_Line] = field(default_factory=list)

    def append(self, index: int, record_id: str, text: bytes) -> None:
        """Keep the line of one record."""
        self._lines.append(_Line(index, record_id, self._content.tell(), len(text)))
        self._content.write(text)

    def write(self, store: ObjectStore, folder: S3Object, *, seed: str, below: int, faults: JobFaults) -> None:
        """Store the lines of the records before number ``below``, shuffled by ``seed``."""
        lines = [line for line in self._lines if line.index < below]
        lines = [line for line in lines if not chosen(faults.missing_records, line.index, line.record_id)]
        lines += [line for line in lines if chosen(faults.duplicate_records, line.index, line.record_id)]
        random.Random(seed + self.name).shuffle(lines)  # noqa: S311 - an order, not a secret
        parts = max(faults.output_files, 1)
        for part in range(parts):
            is_cut = faults.truncate_last_line and part == parts - 1
            content = self._copy(lines[part::parts], is_cut=is_cut)
            store.put(folder.bucket, folder.key + self._part_name(part), content)

    def close(self) -> None:
        """Give the temporary file up."""
        self._content.close()

    def _part_name(self, part: int) -> str:
        return f"{self.name}{_SUFFIX}" if part == 0 else f"{self.name.removesuffix('.jsonl')}-{part}.jsonl{_SUFFIX}"

    def _copy(self, lines: list[_Line], *, is_cut: bool) -> "SpooledTemporaryFile[bytes]":
        content = spool()
        for number, line in enumerate(lines, start=1):
            self._content.seek(line.offset)
            text = self._content.read(line.size_bytes)
            content.write(text[: len(text) // 2] if is_cut and number == len(lines) else text + b"\n")
        return content


def write_counts(store: ObjectStore, folder: S3Object, counts: Counts) -> None:
    """Store ``manifest.json.out``; image jobs count no tokens."""
    content = spool()
    content.write(
        orjson.dumps(
            {
                "totalRecordCount": counts.total,
                "processedRecordCount": counts.processed,
                "successRecordCount": counts.success,
                "errorRecordCount": counts.error,
                "inputTokenCount": 0,
                "outputTokenCount": 0,
            }
        )
    )
    store.put(folder.bucket, f"{folder.key}manifest.json{_SUFFIX}", content)
