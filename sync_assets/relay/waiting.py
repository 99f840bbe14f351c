"""What starts a run of the relay, for the server and the sensor: messages, and due transfers."""

from sqlalchemy import Connection

from sync_assets.launching import EventJob, OtherWork
from sync_assets.ledger.events import last_event_id
from sync_assets.relay.downloads import due_count
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.updates import SOURCE
from sync_assets.relay.uploads import due_upload_count


def find_due(connection: Connection) -> OtherWork | None:
    """Return the transfers that a run could move now; None where there are none.

    Args:
        connection: A transaction of the ledger.
    """
    count = due_count(connection, disk_has_space=False) + due_upload_count(connection)
    return OtherWork(f"event-{last_event_id(connection)}", count) if count else None


EVENT_JOB = EventJob("relay_sync", "relay_sync_sensor", (SOURCE,), LEASE_NAME, find_due)
