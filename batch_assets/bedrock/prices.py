"""What it costs to embed so many pictures, before any is sent."""

from decimal import Decimal

from batch_assets.settings import Settings


def sent_on_demand(records: int, settings: Settings) -> bool:
    """Whether a manifest is embedded with InvokeModel, because a batch job takes more records."""
    return records < settings.space.model.min_records_per_job and settings.under_minimum == "on_demand"


def cost_usd(records: int, settings: Settings) -> Decimal:
    """US dollars for so many records, the way they are sent: half the on-demand price but for a few."""
    model = settings.space.model
    batch_price = model.batch_price_per_image_usd
    return records * (model.on_demand_price_per_image_usd if sent_on_demand(records, settings) else batch_price)


def on_demand_cost_usd(records: int, settings: Settings) -> Decimal:
    """US dollars for so many records if each were sent with InvokeModel."""
    return records * settings.space.model.on_demand_price_per_image_usd
