"""How alerts reach people: a topic of Amazon SNS, a hook of one's own, or both."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from batch_assets.alerts.alert import Alert
from batch_assets.errors import SettingsError
from batch_assets.settings import Settings


class Notifier(Protocol):
    """Something that brings an alert to people; what it raises lets the alert be sent again."""

    def __call__(self, alert: Alert, /) -> None: ...


@dataclass(frozen=True)
class SnsTopic:
    """A topic of Amazon SNS; the message attribute `kind` is there for filter policies of subscriptions."""

    client: Any
    arn: str

    def __call__(self, alert: Alert, /) -> None:
        """Publish the alert."""
        self.client.publish(
            TopicArn=self.arn,
            Subject=alert.subject,
            Message=alert.text,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": alert.kind.value}},
        )


def hook(settings: Settings) -> Sequence[Notifier]:
    """The callable that the settings name, if they do. Raises `SettingsError` if there is none of that name."""
    if not settings.alert_hook:
        return ()
    module, _, name = settings.alert_hook.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"BATCH_ASSETS_ALERT_HOOK={settings.alert_hook!r} cannot be loaded: {error}") from error
    if not callable(found):
        raise SettingsError(f"BATCH_ASSETS_ALERT_HOOK={settings.alert_hook!r} is no function that takes an alert")
    return (found,)
