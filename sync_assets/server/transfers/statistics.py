"""`/api/statistics`: how many transfers are where, how much, how fast, and day by day."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.relay.statistics import (
    DayOfTransfers,
    Totals,
    download_days,
    download_totals,
    upload_days,
    upload_totals,
)
from sync_assets.server.context import context_of
from sync_assets.server.security import RequireScope
from sync_assets.server.transfers.acting import ERRORS

router = APIRouter(prefix="/api/statistics", tags=["transfers"])


class DayStatistics(BaseModel):
    """The transfers of what arrived on one day."""

    day: str = Field(description="UTC.", examples=["2026-11-22"])
    states: Mapping[str, int] = Field(
        description="How many are in each state.", examples=[{"completed": 12, "failed": 1}]
    )
    bytes: int = Field(description="The sizes of those that are completed.")
    retries: int


class TransferStatistics(BaseModel):
    """All transfers of one direction."""

    states: Mapping[str, int] = Field(
        description="How many are in each state.",
        examples=[{"pending": 3, "downloading": 2, "completed": 140}],
    )
    bytes: int = Field(description="The sizes of those that are completed.")
    bytes_per_second: int = Field(description="Of those that are under way, together.")
    retries: int = Field(description="Attempts that failed, and retries that users wanted.")
    days: Sequence[DayStatistics] = Field(
        description="By day of arrival, newest first; days without any are left out."
    )


class StatisticsAnswer(BaseModel):
    """Numbers of both directions."""

    downloads: TransferStatistics
    uploads: TransferStatistics


@router.get("", responses=ERRORS)
async def statistics(
    request: Request,
    _: Annotated[Token, Depends(RequireScope(Scope.USER))],
    days: Annotated[int, Query(ge=1, le=366, description="How many days back from today.")] = 30,
) -> StatisticsAnswer:
    """Downloads and uploads by state, their bytes and rates, and the same of the last days."""

    def read(connection: Connection) -> StatisticsAnswer:
        return StatisticsAnswer(
            downloads=_answer(download_totals(connection), download_days(connection, days)),
            uploads=_answer(upload_totals(connection), upload_days(connection, days)),
        )

    return await context_of(request).reader.read(read)


def _answer(totals: Totals, days: Sequence[DayOfTransfers]) -> TransferStatistics:
    return TransferStatistics(
        **vars(totals), days=[DayStatistics(**vars(numbers)) for numbers in days]
    )
