"""Notifications: what the user should hear of without looking, told once, wherever they want it.

Domains call `notify`; it writes to the ledger and nothing else, so a run is never slowed or failed
by it. `outbox` holds what waits, `troubles` finds what has failed and what works again from the
domains' last results, `delivery` sends what waits as one message, `services` hands it to Apprise,
`automation` is the sensor that does so. Only `automation` knows Dagster.
"""

from sync_assets.ops.notifications.outbox import notify
from sync_assets.settings.notifications import NotificationKind

__all__ = ["NotificationKind", "notify"]
