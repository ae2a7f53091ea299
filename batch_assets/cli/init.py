"""`batch-assets init`: a few questions, and the `.env` that answers them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from batch_assets.aws_clients import FOR_A_PERSON, aws_client
from batch_assets.cli.env_file import env_file
from batch_assets.cli.files import in_existing_folder
from batch_assets.cli.questions import Questions
from batch_assets.cli.terminal import console
from batch_assets.errors import BatchAssetsError
from batch_assets.layout.pictures import pictures
from batch_assets.layout.proposals import Proposal, proposals
from batch_assets.layout.sample import first_partition as find_first_partition
from batch_assets.layout.sample import sample_keys
from batch_assets.partitions import PrefixTemplate
from batch_assets.refusals import FORESEEN, explanation
from batch_assets.settings import Settings, load_settings
from batch_assets.spaces import NOVA_MULTIMODAL

_SHOWN = 4
_RESULTS_PREFIX = str(Settings.model_fields["results_prefix"].default)
_REGION = str(Settings.model_fields["region"].default)

_Answer = TypeVar("_Answer")


def command(
    *,
    source_bucket: Annotated[
        str | None, typer.Option(metavar="NAME", help="Bucket in which the pictures land.")
    ] = None,
    prefix_template: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Prefix of a partition, such as photos/%Y/%m/%d/.")
    ] = None,
    first_partition: Annotated[str | None, typer.Option(metavar="KEY", help="First partition.")] = None,
    account_id: Annotated[str | None, typer.Option(metavar="ID", help="Account that owns the buckets.")] = None,
    role_arn: Annotated[str | None, typer.Option(metavar="ARN", help="Role that Bedrock assumes.")] = None,
    vector_bucket: Annotated[str | None, typer.Option(metavar="NAME", help="S3 vector bucket.")] = None,
    results_bucket: Annotated[
        str | None, typer.Option(metavar="NAME", help="Bucket of results and tables, if not that of the pictures.")
    ] = None,
    look: Annotated[
        bool, typer.Option("--look/--no-look", help="Look at account and bucket to propose answers.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is proposed, and do not ask.")] = False,
    file: Annotated[
        Path, typer.Option(metavar="FILE", dir_okay=False, callback=in_existing_folder, help="Where to write it.")
    ] = Path(".env"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: the file, its settings, proposals.")] = False,
) -> None:
    """Ask for the settings and write them to .env.

    Some dozens of LIST calls show how the keys of the bucket lie, and which prefix template fits them. Nothing is
    changed in the account.

    Example: batch-assets init --source-bucket my-pictures --yes
    """
    if file.exists() and not force:
        raise BatchAssetsError(f"{file} exists: add --force to replace it, or choose another with --file")
    given = {
        "source_bucket": source_bucket,
        "prefix_template": prefix_template,
        "first_partition": first_partition,
        "account_id": account_id,
        "role_arn": role_arn,
        "vector_bucket": vector_bucket,
        "results_bucket": results_bucket,
    }
    interview = Interview(Questions(given, take_proposals=yes), looks=look)
    interview.hold()
    answers = interview.questions.answers
    load_settings(_env_file=None, **answers)
    file.write_text(env_file(answers), encoding="utf-8")
    if as_json:
        found = [asdict(one) for one in interview.proposals]
        typer.echo(json.dumps({"file": str(file), "settings": answers, "proposals": found}, indent=2))
    else:
        console().print(Text(f"{file} is written. See whether all is well: batch-assets doctor"), soft_wrap=True)


@dataclass
class Interview:
    """The questions in their order; what the account and the bucket tell becomes proposals.

    Attributes:
        questions: Asks, and keeps the answers.
        looks: Whether the account and the bucket are looked at.
        proposals: Prefix templates that the keys of the bucket suggest.
        told: What was said to the person, once.
    """

    questions: Questions
    looks: bool
    proposals: Sequence[Proposal] = ()
    told: set[str] = field(default_factory=set)

    def hold(self) -> None:
        ask = self.questions.ask
        bucket = ask("source_bucket", None)
        self.proposals = self._look("prefix_template", lambda: _proposals(bucket)) or ()
        self._show()
        best = self.proposals[0].template if self.proposals else str(Settings.model_fields["prefix_template"].default)
        template = PrefixTemplate(ask("prefix_template", best))
        ask("first_partition", self._first_partition(bucket, template))
        account = ask("account_id", self._look("account_id", _account))
        ask("role_arn", f"arn:aws:iam::{account}:role/batch-assets-bedrock")
        ask("vector_bucket", f"{bucket.replace('.', '-')[:55]}-vectors")
        # Bedrock would read results that lie in a folder of pictures as its input.
        if template.inside_a_lane(_RESULTS_PREFIX):
            ask("results_bucket", f"{bucket[:55]}-results")
        elif self.questions.given["results_bucket"] is not None:
            ask("results_bucket", None)

    def _first_partition(self, bucket: str, template: PrefixTemplate) -> str:
        found = self._look("first_partition", lambda: find_first_partition(_client("s3"), bucket, template))
        return found or datetime.now(UTC).strftime(template.key_format)

    def _look(self, name: str, ask: Callable[[], _Answer]) -> _Answer | None:
        """What AWS proposes for a setting that was not given, if it may be asked and answers."""
        if not self.looks or self.questions.given[name] is not None:
            return None
        try:
            return ask()
        except FORESEEN as error:
            self._tell(f"Nothing can be proposed: {explanation(error)}")
            return None

    def _tell(self, text: str) -> None:
        if text not in self.told:
            console(stderr=True).print(Text(text), soft_wrap=True)
        self.told.add(text)

    def _show(self) -> None:
        if self.proposals and not self.questions.take_proposals:
            console(stderr=True).print(_table(self.proposals[:_SHOWN]))


def _table(found: Sequence[Proposal]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("prefix template", "pictures", "from", "to", "for example"):
        table.add_column(name, justify="right" if name == "pictures" else "left", overflow="fold")
    for one in found:
        dates = (one.first_partition, one.last_partition)
        table.add_row(Text(one.template), f"{one.share:.0%}", *map(Text, dates), Text(repr(one.example)[1:-1]))
    return table


def _proposals(bucket: str) -> list[Proposal]:
    return proposals(pictures(sample_keys(_client("s3"), bucket).keys, NOVA_MULTIMODAL))


def _account() -> str:
    return str(_client("sts").get_caller_identity()["Account"])


def _client(service: str) -> Any:
    return aws_client(service, _REGION, FOR_A_PERSON)
