"""Values that a shell completes, found without asking a service."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from batch_assets.errors import SettingsError
from batch_assets.settings import Settings, load_settings

_MOST = 50


def partition_keys(incomplete: str) -> list[str]:
    """The newest partition keys that begin so, up to the present one; none without valid settings."""
    try:
        settings = load_settings()
    except SettingsError:
        return []
    return list(islice((key for key in _newest_first(settings) if key.startswith(incomplete)), _MOST))


def _newest_first(settings: Settings) -> Iterator[str]:
    template = settings.template
    step = timedelta(hours=1) if template.granularity == "hourly" else timedelta(days=1)
    first = template.moment(settings.first_partition)
    moment = datetime.now(ZoneInfo(settings.timezone)).replace(tzinfo=None)
    last = ""
    while moment >= first:
        key = moment.strftime(template.key_format)
        if key != last:
            yield key
        last, moment = key, moment - step
