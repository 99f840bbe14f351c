"""Which events of the inbox are about what was watched, and which job deals with them."""

from sync_assets.launching import EventJob
from sync_assets.settings.bangumi import CustomSource

JOB_NAME = "custom_to_bangumi"

EVENT_JOB = EventJob(JOB_NAME, f"{JOB_NAME}_sensor", tuple(CustomSource), lease_name=None)
