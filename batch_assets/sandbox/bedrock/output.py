"""The output of a batch job: files for each input file, in no particular order, and the counts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile

import orjson

from batch_assets.sandbox.bedrock.corruption import corrupted
from batch_assets.sandbox.bedrock.job import Counts, Job
from batch_assets.sandbox.bedrock.records import S3Object
from batch_assets.sandbox.s3_store import ObjectStore, spool

_SUFFIX = ".out"


@dataclass(frozen=True)
class _Line:
    index: int  # of the record in the job
    record_id: str
    offset: int
    size_bytes: int


@dataclass(frozen=True)
class _Part:
    """A file as it is to be stored, below the job's folder."""

    name: str
    content: "SpooledTemporaryFile[bytes]"


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

    def parts(self, job: Job, *, below: int) -> list[_Part]:
        """Make the files with the lines of the records before number ``below``, shuffled alike in every run."""
        lines = [line for line in self._lines if line.index < below and not _is(job, "missing_records", line)]
        lines += [line for line in lines if _is(job, "duplicate_records", line)]
        random.Random(job.id + self.name).shuffle(lines)  # noqa: S311 - an order, not a secret
        count = job.faults.output_files
        return [
            _Part(
                self._part_name(number),
                self._copy(job, lines[number::count], is_cut=job.faults.truncate_last_line and number == count - 1),
            )
            for number in range(count)
        ]

    def close(self) -> None:
        """Give the temporary file up."""
        self._content.close()

    def _part_name(self, part: int) -> str:
        return f"{self.name}{_SUFFIX}" if part == 0 else f"{self.name.removesuffix('.jsonl')}-{part}.jsonl{_SUFFIX}"

    def _copy(self, job: Job, lines: list[_Line], *, is_cut: bool) -> "SpooledTemporaryFile[bytes]":
        content = spool()
        for number, line in enumerate(lines, start=1):
            self._content.seek(line.offset)
            text = self._content.read(line.size_bytes)
            text = corrupted(text, job.faults, line.index, line.record_id, job_name=job.name)
            content.write(text[: len(text) // 2] if is_cut and number == len(lines) else text + b"\n")
        return content


@dataclass(frozen=True)
class JobOutput:
    """All files of a job: those that are there when it ends, and those that appear later."""

    prompt: Sequence[_Part]
    late: Sequence[_Part]

    @classmethod
    def of(cls, job: Job, outputs: Sequence[OutputFile], counts: Counts) -> "JobOutput":
        """Make the files of the processed records, but for those that a rule lets go missing."""
        if not outputs:
            return cls([], [])
        parts = [part for output in outputs for part in output.parts(job, below=counts.processed)]
        parts = parts[: len(parts) - job.faults.missing_files.of(len(parts))]
        late = job.faults.late_files.of(len(parts)) if job.faults.late_seconds else 0
        prompt, delayed = parts[: len(parts) - late], parts[len(parts) - late :]
        return cls([*prompt, *([] if job.faults.missing_counts else [_counts(counts)])], delayed)

    def put(self, store: ObjectStore, folder: S3Object, *, late: bool) -> None:
        """Store the files that are there at the end, or the late ones."""
        for part in self.late if late else self.prompt:
            store.put(folder.bucket, folder.key + part.name, part.content)


def _is(job: Job, selection: str, line: _Line) -> bool:
    return job.faults.affects(selection, line.index, line.record_id, job_name=job.name)


def _counts(counts: Counts) -> _Part:
    """Make ``manifest.json.out``; image jobs count no tokens."""
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
    return _Part(f"manifest.json{_SUFFIX}", content)
