"""Leases: one holder at a time, freed by a crash."""

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError, LeaseLostError, hold_lease
from sync_assets.ledger.schema import leases
from sync_assets.ledger.types import utc_now

HOLD_AND_DIE = """
import os, signal, sys
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
with hold_lease(Ledger.open(sys.argv[1]), "strm", purpose="a run that dies"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_second_holder_is_told_who_the_first_one_is(ledger: Ledger) -> None:
    with hold_lease(ledger, "strm", purpose="run one"):
        with pytest.raises(LeaseHeldError, match="strm is in use by run one"):
            with hold_lease(ledger, "strm", purpose="run two"):
                pass
        with hold_lease(ledger, "other", purpose="run two"):
            pass
    with hold_lease(ledger, "strm", purpose="run two"):
        pass


def test_a_holder_that_was_killed_frees_its_lease_at_once(
    ledger: Ledger, migrated_url: str
) -> None:
    died = subprocess.run(
        [sys.executable, "-c", HOLD_AND_DIE, migrated_url], timeout=60, check=False
    )
    assert died.returncode == -9
    with hold_lease(ledger, "strm", purpose="the next run") as lease:
        lease.require()


def test_an_expired_lease_of_another_machine_can_be_taken(ledger: Ledger) -> None:
    with hold_lease(ledger, "strm", purpose="far away", duration_seconds=3600):
        with ledger.write() as connection:
            connection.execute(update(leases).values(host="another-machine"))
        with pytest.raises(LeaseHeldError), hold_lease(ledger, "strm", purpose="here"):
            pass
        with ledger.write() as connection:
            connection.execute(update(leases).values(expires_at=utc_now() - timedelta(seconds=1)))
        with hold_lease(ledger, "strm", purpose="here"):
            pass


def test_a_holder_notices_that_its_lease_is_gone(ledger: Ledger) -> None:
    with hold_lease(ledger, "strm", purpose="slow", duration_seconds=0.2) as lease:
        lease.require()
        with ledger.write() as connection:
            connection.execute(delete(leases))
        assert lease._lost.wait(timeout=30)
        with pytest.raises(LeaseLostError):
            lease.require()


def test_a_waiting_holder_gets_the_lease_when_it_is_free(ledger: Ledger) -> None:
    import threading  # noqa: PLC0415

    entered = threading.Event()

    def wait_for_it() -> None:
        with hold_lease(ledger, "strm", purpose="second", wait_seconds=30):
            entered.set()

    with hold_lease(ledger, "strm", purpose="first"):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert not entered.wait(timeout=0.5)
    assert entered.wait(timeout=30)
    thread.join()
