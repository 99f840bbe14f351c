"""What starts a run of the relay, for the server and the sensor: messages in the inbox."""

from sync_assets.launching import EventJob
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.updates import SOURCE

EVENT_JOB = EventJob("relay_sync", "relay_sync_sensor", (SOURCE,), LEASE_NAME)
