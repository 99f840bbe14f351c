"""Which events the STRM domain deals with, and which job does."""

from sync_assets.launching import EventJob

LEASE_NAME = "strm"
"""What every STRM run holds."""

CLOUDDRIVE = "clouddrive"
OPENLIST = "openlist"
INTERNAL = "internal"
SOURCES = (CLOUDDRIVE, OPENLIST, INTERNAL, "generic:strm")

EVENT_JOB = EventJob("strm_events", "strm_events_sensor", SOURCES, LEASE_NAME)
