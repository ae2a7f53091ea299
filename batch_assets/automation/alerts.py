"""The alerts sensor: tells people of partitions that need them, once for each trouble, and again after it was mended.

What was told of a partition is an observation of its `vector_index`, so the event log remembers it and shows it. An
observation is stored after the look, so a look that is cut off may tell something twice, and never forgets it.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from batch_assets.alerts.alert import Alert, Kind, Trouble
from batch_assets.alerts.delivery import Notifier, SnsTopic, hook
from batch_assets.assets.services import SnsResource
from batch_assets.automation import completion
from batch_assets.automation.event_log import Verdicts, observations
from batch_assets.automation.launches import earlier_runs
from batch_assets.automation.tick import MAX_EVENTS, Deadline
from batch_assets.automation.troubles import ALERTED, Clockwork, Standing, left, standing
from batch_assets.errors import ServiceError
from batch_assets.settings import Settings

NAME = "alerts_sensor"
_INTERVAL_SECONDS = 60

_logger = logging.getLogger(__name__)


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one deployment's settings; on by default where alerts have somewhere to go."""
    verdicts = Verdicts(completion.ASSETS, standing, observed=(ALERTED,))
    hooks = hook(settings)
    on = hooks or settings.alert_topic_arn

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=max(_INTERVAL_SECONDS, settings.sensor_interval_seconds),
        default_status=dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED,
        description="Tells people of partitions that are held, refused, stuck or left, of jobs that are older than "
        "their timeout, and of failed checks. Starts no run.",
    )
    def alerts_sensor(context: dg.SensorEvaluationContext, sns: SnsResource) -> dg.SensorResult:
        topic = settings.alert_topic_arn
        notifiers = [*([SnsTopic(sns.client(), topic)] if topic else []), *hooks]
        return Look(settings, context.instance, notifiers, verdicts.current(context.instance)).result()

    return alerts_sensor


@dataclass
class Look:
    """One evaluation of the sensor."""

    settings: Settings
    instance: dg.DagsterInstance
    notifiers: Sequence[Notifier]
    standings: Mapping[str, Standing]
    deadline: Deadline = field(default_factory=Deadline)
    now: float = field(default_factory=time.time)
    failures: list[str] = field(default_factory=list)

    def result(self) -> dg.SensorResult:
        """Observations of what people were told now, and of what was mended. Raises `ServiceError` if nothing went."""
        troubles = self._troubles()
        fresh = [
            (partition, trouble)
            for partition, found in sorted(troubles.items())
            for trouble in found
            if trouble.identity not in self.standings[partition].told
        ][:MAX_EVENTS]
        told = set(self._send(fresh))
        events = list(self._observations(troubles, told))[:MAX_EVENTS]
        number = sum(map(len, troubles.values()))
        reason = f"{number} troubles, {len(told)} of them told now" if number else "nothing is wrong"
        return dg.SensorResult(asset_events=events, skip_reason="; ".join([reason, *self.failures]))

    def _troubles(self) -> Mapping[str, Sequence[Trouble]]:
        """What is wrong now, by partition."""
        flying = {n: found.load for n, found in self.standings.items() if isinstance(found.load, completion.InFlight)}
        reported = observations(self.instance, "batch_job", flying)
        ended = {n for n, job in flying.items() if completion.end_is_reported(job, reported.get(n))}
        purposes = {n: found.purpose(n, ended=n in ended) for n, found in self.standings.items()}
        pursued = {n: purpose for n, purpose in purposes.items() if purpose}
        runs = earlier_runs(self.instance, pursued.values()) if pursued else {}
        clockwork = Clockwork(
            now=self.now,
            job_timeout_hours=self.settings.job_timeout_hours,
            stuck_after_hours=self.settings.stuck_after_hours,
            indexed=max((found.indexed for found in self.standings.values()), default=0.0),
        )
        troubles: dict[str, list[Trouble]] = defaultdict(list)
        for name, found in self.standings.items():
            tries = len(runs.get(pursued[name].tag, ())) if name in pursued else 0
            if tries >= self.settings.max_load_attempts:
                troubles[name].append(left(pursued[name], tries))
            troubles[name] += [*found.lasting, *clockwork.troubles(found, ended=name in ended)]
        return {name: found for name, found in troubles.items() if found or self.standings[name].told}

    def _send(self, fresh: Sequence[tuple[str, Trouble]]) -> Iterator[tuple[str, Trouble]]:
        """Hand an alert of each kind to everybody who is to have it; gives what has arrived."""
        by_kind: dict[Kind, list[tuple[str, Trouble]]] = defaultdict(list)
        for partition, trouble in fresh:
            by_kind[trouble.kind].append((partition, trouble))
        arrived = []
        for kind, found in by_kind.items():
            if self.deadline.passed:
                break
            alert = Alert(kind, found, self.settings.web_ui_url)
            try:
                for notify in self.notifiers:
                    notify(alert)
            except Exception as error:  # a hook is anybody's code, and one that fails must not keep back the others
                _logger.exception("an alert of kind %s was not delivered", kind)
                self.failures.append(f"{alert.subject!r} was not delivered and is sent again: {error}")
            else:
                arrived += found
        if self.failures and not arrived:
            raise ServiceError("; ".join(self.failures))
        yield from arrived

    def _observations(
        self, troubles: Mapping[str, Sequence[Trouble]], arrived: set[tuple[str, Trouble]]
    ) -> Iterator[dg.AssetObservation]:
        # What was told now must be remembered: of the rest, the next look tells the same.
        just_told = {partition for partition, _ in arrived}
        for partition, found in sorted(troubles.items(), key=lambda item: (item[0] not in just_told, item[0])):
            before = self.standings[partition].told
            now = {t.identity: t for t in found if t.identity in before or (partition, t) in arrived}
            if set(now) != before:
                new = [t for identity, t in now.items() if identity not in before]
                text = (
                    "; ".join(f"people were told: {t.kind}: {t.text}" for t in new) or "mended, or something else now"
                )
                yield dg.AssetObservation(
                    ALERTED, partition=partition, description=text, metadata={"told": sorted(now), "alert": text}
                )
