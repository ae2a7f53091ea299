"""The credentials: somebody's, and of the account whose buckets and role the settings name."""

from collections.abc import Iterator

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    account, mine = deployment.caller["Account"], deployment.settings.account_id
    if account == mine:
        yield found.ok(f"{deployment.caller['Arn']} in account {account}")
    else:
        yield found.warning(
            f"{deployment.caller['Arn']} is in account {account}, the buckets are said to be in account {mine}",
            "set BATCH_ASSETS_ACCOUNT_ID to the account that owns the buckets, or sign in to that account",
        )
