"""What stops a benchmark."""


class BenchmarkError(Exception):
    """A stage that cannot be measured; the message says which contender, and why."""


class WrongResultError(BenchmarkError):
    """Contenders whose results differ: no figure of the stage is worth anything then."""
