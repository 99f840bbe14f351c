"""Build what the tests of the reports need: history, matches, and an account's run."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from sync_assets.bangumi.access import token_source
from sync_assets.bangumi.account_run import AccountRun
from sync_assets.bangumi.client import BangumiClient
from sync_assets.bangumi.http import BangumiTransport, rate_limit
from sync_assets.bangumi.match_table import StoredMatch, write_matches
from sync_assets.bangumi.planning import plan
from sync_assets.bangumi.sending import send
from sync_assets.lake import Lake
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.bangumi import BangumiSettings
from sync_assets_tests.upstreams.bangumi import TOKEN

ACCOUNT = "alice"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def matched(subject, number, *, confidence=0.99, **fields):
    """A match of an episode that was watched."""
    match = StoredMatch(
        key=f"show/trakt/{subject}/1x{number}",
        work=f"show/trakt/{subject}",
        title=f"Show {subject} 1x{number:02}",
        media_type="episode",
        season=1,
        number=number,
        absolute_number=None,
        release_date=None,
        status="matched",
        subject=subject,
        subject_episodes=None,
        episode=number,
        episode_type="main",
        method="single_subject",
        confidence=confidence,
        evidence=(),
        candidates=(),
        plays=1,
        removed_plays=0,
        watched_at=NOW - timedelta(days=1),
        is_collected_only=False,
    )
    return replace(match, **fields)


def film(subject, **fields):
    """A match of a film that was watched."""
    work = f"movie/trakt/{subject}"
    match = matched(subject, 1, key=work, work=work, media_type="movie", **fields)
    return replace(match, season=None, number=None)


def rating(media_type, work, value, *, season=None):
    return {"media_type": media_type, "work": work, "season": season, "rating": value}


class Account:
    """One account against a stand-in: what Trakt says, and runs of the stages."""

    def __init__(self, server, ledger, directory, **policy):
        self.server = server
        self.ledger = ledger
        self.directory = directory
        self.lake = Lake(directory / "lake")
        self.now = NOW
        self.slept = []
        self.settings = BangumiSettings.model_validate(
            {
                "dry_run": False,
                "base_url": server.url,
                "accounts": {ACCOUNT: {"access_token": TOKEN}},
                "reporting": policy,
            }
        )
        self._runs = 0

    def time(self):
        """Seconds since the epoch, as the account's requests count them."""
        return self.now.timestamp()

    def watch(self, *matches):
        """Say what the matching has found."""
        write_matches(self.lake, ACCOUNT, matches)

    def rate(self, *ratings):
        rows = [
            {
                "media_type": each["media_type"],
                "trakt": int(each["work"].rpartition("/")[2]),
                "season": each["season"],
                "rating": each["rating"],
                "removed_at": None,
            }
            for each in ratings
        ]
        types = {"media_type": pa.string(), "removed_at": pa.timestamp("us", tz="UTC")}
        names = ("media_type", "trakt", "season", "rating", "removed_at")
        schema = pa.schema([(name, types.get(name, pa.int64())) for name in names])
        table = pa.Table.from_pylist(rows, schema=schema)
        self.lake.write(("trakt", "ratings"), table, partition=ACCOUNT)

    def client(self):
        limit = rate_limit(ACCOUNT, self.settings.requests_per_10_minutes)
        transport = BangumiTransport(
            self.server.url,
            token_source(self.settings, ACCOUNT, self.ledger, self.directory),
            self.ledger,
            limit,
            timeout_seconds=10,
            sleep=self.slept.append,
            clock=self.time,
        )
        return BangumiClient(transport)

    @contextmanager
    def run(self):
        self._runs += 1
        client = self.client()
        name = f"bangumi:{ACCOUNT}"
        with hold_lease(self.ledger, name, purpose="test", wait_seconds=5) as lease:
            yield AccountRun(
                ACCOUNT,
                self.settings,
                f"run-{self._runs}",
                self.ledger,
                self.lake,
                client,
                lease,
                self.directory / "plans",
            )
        client.close()

    def plan(self):
        with self.run() as run:
            return plan(run)

    def send(self):
        with self.run() as run:
            return send(run)

    def report(self):
        """Plan and send."""
        self.plan()
        return self.send()


def day(text):
    return date.fromisoformat(text)
