"""The service role: it exists, in the account of the jobs, and Bedrock may assume it for them."""

from collections.abc import Iterator

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.doctor.trust_policy import Trust, trust_in_bedrock

_TRUST = "run batch-assets iam apply, which sets its trust policy"


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings, account = deployment.settings, deployment.caller["Account"]
    arn = settings.role_arn
    if arn.split(":")[4] != account:
        yield found.wrong(
            f"{arn} is not in account {account}, where the jobs run: a role can be passed only within its account",
            f"set BATCH_ASSETS_ROLE_ARN to a role in account {account}",
        )
        return
    iam = deployment.client("iam")
    try:
        role = iam.get_role(RoleName=arn.rsplit("/", 1)[-1])["Role"]
    except iam.exceptions.NoSuchEntityException:
        yield found.wrong(
            f"{arn} does not exist",
            "create it with batch-assets iam apply, or set BATCH_ASSETS_ROLE_ARN to one that exists",
        )
        return
    if role["Arn"] != arn:
        yield found.wrong(f"{arn} does not exist, {role['Arn']} does", f"set BATCH_ASSETS_ROLE_ARN={role['Arn']}")
        return
    job_arn = f"arn:{arn.split(':')[1]}:bedrock:{settings.region}:{account}:model-invocation-job/abcdefghijkl"
    yield judge(found, arn, trust_in_bedrock(role["AssumeRolePolicyDocument"], account=account, job_arn=job_arn))


def judge(found: Findings, arn: str, trust: Trust) -> Finding:
    """What a trust policy means for the jobs."""
    if not trust.allowed:
        why = f": {'; '.join(trust.unmet)}" if trust.unmet else ""
        return found.wrong(f"{arn} does not let bedrock.amazonaws.com assume it for batch jobs{why}", _TRUST)
    if trust.unjudged:
        return found.warning(
            f"{arn} trusts Bedrock under conditions that were not judged: {'; '.join(trust.unjudged)}",
            "make sure that they hold for batch jobs of this account",
        )
    if not trust.guarded:
        return found.warning(
            f"{arn} trusts Bedrock for jobs of any account", f"{_TRUST}: its conditions name this account's jobs"
        )
    return found.ok(f"{arn} can be assumed by Bedrock for batch jobs of this account")
