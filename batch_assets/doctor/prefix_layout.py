"""The prefix layout: whether pictures really lie where the template looks for them. A sample of the keys tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.doctor.refusal import is_denied
from batch_assets.layout.pictures import pictures
from batch_assets.layout.proposals import Proposal, proposals
from batch_assets.layout.sample import first_partition, lead_folder, sample_keys
from batch_assets.settings import Settings

_TEMPLATE = "BATCH_ASSETS_PREFIX_TEMPLATE"


@dataclass(frozen=True)
class Layout:
    """Keys of pictures that were looked at: those under some partition's prefix, and the others."""

    inside: Sequence[str]
    outside: Sequence[str]

    @classmethod
    def of(cls, settings: Settings, keys: Sequence[str]) -> "Layout":
        inside = [key for key in keys if settings.template.partition_of(key) is not None]
        return cls(inside, sorted(set(keys) - set(inside)))

    @property
    def number(self) -> int:
        return len(self.inside) + len(self.outside)


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    keys = pictures(deployment.sample.keys, settings.space.model)
    layout = Layout.of(settings, keys)
    if not layout.inside:
        yield _nothing(deployment, found, layout)
        return
    yield share(found, settings, layout)
    earliest = first_partition(deployment.client("s3"), settings.source_bucket, settings.template)
    if earliest is not None and _before(settings, earliest):
        yield found.warning(
            f"there are objects from {earliest} on; what lies before {settings.first_partition} is never planned",
            f"set BATCH_ASSETS_FIRST_PARTITION={earliest} if they are wanted",
        )


def share(found: Findings, settings: Settings, layout: Layout) -> Finding:
    """How many of the pictures lie under the template."""
    template = settings.prefix_template
    if not layout.outside:
        return found.ok(f"all {layout.number} pictures that were looked at lie under {template}")
    return found.warning(
        f"{len(layout.outside)} of {layout.number} pictures that were looked at do not lie under {template} and are "
        f"never embedded, for example {layout.outside[0]!r}",
        f"move them, or set {_TEMPLATE} to what they have in common with the others",
    )


def _nothing(deployment: Deployment, found: Findings, layout: Layout) -> Finding:
    """No picture lies under the template: it is wrong if there are others."""
    settings = deployment.settings
    folder = f"s3://{settings.source_bucket}/{lead_folder(settings.template)}"
    elsewhere = list(layout.outside) or _elsewhere(deployment)
    if not elsewhere:
        return found.warning(f"no picture was found under {folder}", f"put some there, or correct {_TEMPLATE}")
    best: Proposal | None = next(iter(proposals(elsewhere)), None)
    return found.wrong(
        f"no picture that was looked at lies under {settings.prefix_template}; others do not, such as {elsewhere[0]!r}",
        f"set {_TEMPLATE}={best.template}" if best else f"set {_TEMPLATE} to how they lie: they need dates as folders",
    )


def _elsewhere(deployment: Deployment) -> list[str]:
    """Pictures in other places of the bucket, as far as it may be listed."""
    settings = deployment.settings
    try:
        sample = sample_keys(deployment.client("s3"), settings.source_bucket)
    except ClientError as error:
        if is_denied(error):
            return []
        raise
    return pictures(sample.keys, settings.space.model)


def _before(settings: Settings, key: str) -> bool:
    return settings.template.moment(key) < settings.template.moment(settings.first_partition)
