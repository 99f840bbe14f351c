"""Types of fields that say when: cron expressions and time zones."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator


def _valid_cron(expression: str) -> str:
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        message = f"is not a cron expression such as '0 4 * * *': {error}"
        raise ValueError(message) from None
    return expression


def _valid_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = "is not an IANA time zone such as 'Europe/Berlin'"
        raise ValueError(message) from None
    return name


Cron = Annotated[str, AfterValidator(_valid_cron)]
TimeZone = Annotated[str, AfterValidator(_valid_timezone)]
