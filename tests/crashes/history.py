"""Histories: what may happen to a deployment in any order, and what must hold whenever it comes to rest."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import hypothesis.strategies as st
from botocore.exceptions import ClientError
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from batch_assets.bedrock.tail import TailFolder, tail_folder
from tests.conftest import Aws
from tests.crashes.daemon import Daemon
from tests.crashes.lifetime import Kill, Lifetime
from tests.crashes.prefix import Content, Prefix, etag, noise
from tests.crashes.quiet import check_quiet, waiting
from tests.world import World, new_world

_MANY = 1_000_000
_APART = ("photos/%Y/%m/%d/", ("2026/11/18", "2026/11/19"))
_SHARED = ("photos/dt=%Y-%m-%d/", ("2026-11-18", "2026-11-19"))

counts = st.sampled_from([1, 3, 100])
some = st.integers(min_value=0, max_value=_MANY)
kills = st.none() | st.builds(Kill, st.integers(1, 70), st.sampled_from(["before", "after"]))
misfortunes = st.sampled_from(
    [
        {"expire": True},
        {"partial_after": 60},
        {"fail_job": "Internal failure."},
        {"fail_job": "The role cannot be assumed: access denied."},
        {"error_records": 100_000, "error_code": 500},
        {"error_records": 4, "error_code": 500},
        {"error_records": 2, "error_code": 400},
        {"missing_records": 5},
        {"duplicate_records": 5, "output_files": 3},
        {"truncate_last_line": True},
    ]
)


@dataclass
class Bill:
    """What histories came to: the pictures that have a vector, and the records paid for to get them."""

    histories: int = 0
    records_needed: int = 0
    records_paid: int = 0

    def add(self, paid: Counter[Content]) -> None:
        """Count one history."""
        self.histories += 1
        self.records_needed += len(paid)
        self.records_paid += paid.total()


class History(RuleBasedStateMachine):
    """A deployment with two partitions, its owner, its daemon, and everything that goes wrong."""

    def __init__(self, aws: Aws, bill: Bill) -> None:
        """Nothing is there yet: the first step decides how it is deployed."""
        super().__init__()
        self._aws, self._bill = aws, bill
        self._paid: Counter[Content] = Counter()
        self._open = ExitStack()
        self._numbers = 0
        self._on_demand: Counter[Content] = Counter()

    @initialize(
        shared=st.booleans(), under_minimum=st.sampled_from(["on_demand", "hold"]), first=st.sampled_from([3, 101])
    )
    def deploy(self, *, shared: bool, under_minimum: str, first: int) -> None:
        """The two partitions have folders of their own, or share one that only one job may use at a time."""
        template, keys = _SHARED if shared else _APART
        self.world: World = self._open.enter_context(
            new_world(
                self._aws,
                prefix_template=template,
                first_partition=keys[0],
                under_minimum=under_minimum,
                max_record_attempts=2,
                max_load_attempts=100,
            )
        )
        self.daemon = Daemon(self.world)
        self.prefixes = [Prefix(self.world, key) for key in keys]
        self.prefixes[0].put(self._pictures(first))

    @rule(which=st.booleans(), count=counts)
    def pictures_arrive(self, *, which: bool, count: int) -> None:
        """New pictures, or so many that they fill a job."""
        self.prefixes[which].put(self._pictures(count))

    @rule(which=st.booleans(), picture=st.booleans())
    def a_bad_file_arrives(self, *, which: bool, picture: bool) -> None:
        """A file that is no picture, by its name or only by its content."""
        number = self._next()
        self.prefixes[which].put({f"{number}.{'png' if picture else 'txt'}": f"no picture {number}".encode()})

    @rule(which=st.booleans(), chosen=some)
    def a_picture_is_overwritten(self, *, which: bool, chosen: int) -> None:
        """Other bytes under the same name."""
        for name in self._chosen(which, chosen, 1):
            self.prefixes[which].put({name: noise(self._next())})

    @rule(which=st.booleans(), chosen=some)
    def a_picture_is_what_it_was_before(self, *, which: bool, chosen: int) -> None:
        """An overwritten or deleted picture comes back."""
        prefix = self.prefixes[which]
        names = prefix.restorable()
        if names:
            prefix.restore(names[chosen % len(names)])

    @rule(which=st.booleans(), chosen=some, count=counts)
    def pictures_are_deleted(self, *, which: bool, chosen: int, count: int) -> None:
        """Some pictures go, or nearly all."""
        self.prefixes[which].delete(self._chosen(which, chosen, count))

    @rule(which=st.booleans(), chosen=some)
    def a_picture_is_copied(self, *, which: bool, chosen: int) -> None:
        """The same bytes under another name."""
        for name in self._chosen(which, chosen, 1):
            self.prefixes[which].put({f"copy-{self._next()}.png": self.prefixes[which].objects[name]})

    @rule(rule=misfortunes)
    def the_next_job_will_end_badly(self, *, rule: dict[str, Any]) -> None:
        """What the service does to the next job that is created."""
        self.world.fault(**rule, times=1)

    @rule(which=st.booleans(), by_person=st.booleans(), kill=kills)
    def plan(self, *, which: bool, by_person: bool, kill: Kill | None) -> None:
        """A partition is planned and submitted, or as much of it as the process lives for."""
        self._run(lambda: self.world.plan(self.prefixes[which].key, by_schedule=not by_person), kill)

    @rule(which=st.booleans(), kill=kills)
    def load(self, *, which: bool, kill: Kill | None) -> None:
        """A person loads a partition, perhaps too early."""
        self._run(lambda: self.world.load(self.prefixes[which].key), kill)

    @rule(kill=kills)
    def the_sensors_look(self, *, kill: Kill | None) -> None:
        """Each sensor looks once, and what it wants is run."""
        self._run(self.daemon.look, kill)

    @rule()
    def the_jobs_end(self) -> None:
        """Every live job comes to its end."""
        self.world.finish_jobs()

    @rule()
    def a_job_is_stopped(self) -> None:
        """A person stops the newest live job."""
        live = [
            job for job in self.world.jobs() if job["status"] in {"Submitted", "Validating", "Scheduled", "InProgress"}
        ]
        if live:
            self.world.aws.bedrock.stop_model_invocation_job(jobIdentifier=live[-1]["jobArn"])

    @rule()
    def everything_comes_to_rest(self) -> None:
        """The schedule plans both partitions, and the sensors do the rest."""
        self._settle(by_person=False)

    def teardown(self) -> None:
        """A person lifts what is held; after that nothing waits but too few pictures for a job."""
        with self._open:
            if not hasattr(self, "world"):
                return
            self.world.forget_faults()
            self._settle(by_person=True)
            for prefix in self.prefixes:
                few = self.world.settings.under_minimum == "hold" and waiting(self.world, prefix) < 100
                assert few or waiting(self.world, prefix) == 0
            self._bill.add(self._paid)

    def _settle(self, *, by_person: bool) -> None:
        for prefix in self.prefixes:
            # A plan leaves what is in flight alone, so what came meanwhile is seen by the second.
            for _ in range(2):
                self._run(partial(self.world.plan, prefix.key, by_schedule=not by_person))
                self._run(self.daemon.settle)
        self._paid = check_quiet(self.world, self.prefixes, self._on_demand)

    def _run(self, work: Callable[[], Any], kill: Kill | None = None) -> None:
        life = self.daemon.life = Lifetime(kill)
        self.daemon.survives(work)
        self.daemon.life = Lifetime()
        self._count_on_demand_calls(life)

    def _count_on_demand_calls(self, life: Lifetime) -> None:
        """Add the calls of a life; of a dead one without those whose result it had no time to keep."""
        contents = {key: etag(data) for prefix in self.prefixes for key, data in prefix.eligible.items()}
        keys = [call.embeds.split("/", 3)[-1] for call in life.calls if call.embeds]
        self._on_demand.update(contents[key] for key in keys if not life.dead or self._kept(key))

    def _kept(self, key: str) -> bool:
        prefix = next(prefix for prefix in self.prefixes if key.startswith(prefix.prefix))
        name = key.removeprefix(prefix.prefix)
        folder: TailFolder = tail_folder(self.world.settings, prefix.key)
        try:
            result = folder.result_key(prefix.record_id(name, prefix.objects[name]))
            self.world.aws.s3.head_object(Bucket=folder.bucket, Key=result)
        except ClientError:
            return False
        return True

    def _pictures(self, count: int) -> dict[str, bytes]:
        numbers = [self._next() for _ in range(count)]
        return {f"{number:05d}.png": noise(number) for number in numbers}

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _chosen(self, which: bool, chosen: int, count: int) -> list[str]:
        names = sorted(name for name in self.prefixes[which].objects if name.endswith(".png"))
        start = chosen % len(names) if names else 0
        return (names[start:] + names[:start])[:count]
