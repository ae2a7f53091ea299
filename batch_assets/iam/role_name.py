"""Name and path of a role, from its ARN."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoleName:
    """A role: `arn:aws:iam::<account>:role<path><name>`; the path begins and ends with `/`."""

    account_id: str
    path: str
    name: str

    @classmethod
    def parse(cls, arn: str) -> "RoleName":
        """The name in an ARN that `settings` has validated."""
        account_id, resource = arn.split(":", 5)[4:]
        path, _, name = resource.removeprefix("role").rpartition("/")
        return cls(account_id, f"{path}/", name)
