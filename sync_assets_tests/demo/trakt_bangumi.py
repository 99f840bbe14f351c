"""What was watched, from a stand-in of Trakt to one of Bangumi: a plan first, then the marks."""

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.catalog.refreshing import INDEX_NAME
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets_tests.bangumi.matching.building import Catalogue
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.support.trakt import configuration, connect
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer
from sync_assets_tests.upstreams.trakt import TraktUpstream
from sync_assets_tests.upstreams.trakt_library import show as make_show

SUBJECT = 4_711
KNOWN = make_show(1, title="Frieren", original_title="葬送のフリーレン")
UNKNOWN = make_show(2, title="A Show That No Source Knows", original_title="謎の番組")
LIVE_ACTION = make_show(3, title="A Western", genres=("drama", "western"))
EPISODES = 5

_trakt = TraktUpstream("alice")
_bangumi = BangumiServer()


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Let alice have watched three shows at Trakt, and start Bangumi without any marks."""
    del base
    library = _trakt.libraries["alice"]
    for number in range(1, EPISODES + 1):
        library.advance(days=1)
        library.watch(KNOWN, 1, number)
    for other in (UNKNOWN, LIVE_ACTION):
        library.watch(other, 1, 1)
    _bangumi.add_subject(SUBJECT, 28)
    with _trakt, _bangumi:
        yield f"""
{configuration(_trakt)}
[bangumi]
base_url = "{_bangumi.url}"

[bangumi.accounts.alice]
access_token = "{TOKEN}"
"""


def show(stage: Stage) -> None:
    """Run without sending, then send, then run once more."""
    _write_catalogue(stage.settings.catalog_directory / INDEX_NAME)
    ledger = Ledger.open(stage.settings.ledger_url)
    connect(_trakt, ledger, load_key(stage.settings.home))
    ledger.close()
    rows = []
    for title, dry_run, marked in (
        ("dry run", "true", 0),
        ("sent", "false", EPISODES),
        ("again", "false", EPISODES),
    ):
        os.environ["SYNC_BANGUMI__DRY_RUN"] = dry_run
        before = len(_bangumi.requests), _trakt.api_requests
        numbers = _numbers(stage.run_job("trakt_to_bangumi", title))
        asked = len(_bangumi.requests) - before[0], _trakt.api_requests - before[1]
        stage.expect(f"bangumi, {title}", {"marked": len(_marked())}, {"marked": marked})
        rows.append((title, *numbers, len(_marked()), *asked))
    stage.table(
        "From Trakt to Bangumi",
        ("run", "matched", "review", "not anime", "to send", "看过", "Bangumi", "Trakt"),
        rows,
    )
    stage.expect("bangumi, again", {"requests": rows[-1][-2:]}, {"requests": (0, 1)})
    os.environ.pop("SYNC_BANGUMI__DRY_RUN")


def _write_catalogue(path: Path) -> None:
    work = Work(Provider.TMDB, WorkKind.SHOW, str(KNOWN["ids"]["tmdb"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue = Catalogue(path)
    catalogue.subject(SUBJECT, KNOWN["original_title"], episodes=28)
    catalogue.link("anime_lists", SUBJECT, work, season=1, first=1)
    assert catalogue.index is not None
    catalogue.close()


def _marked() -> list[int]:
    return _bangumi.watched(SUBJECT)


def _numbers(steps: Iterable[Mapping[str, Any]]) -> list[int]:
    by_asset = {step["asset"]: step for step in steps}
    matches, plan = by_asset["bangumi/matches"], by_asset["bangumi/plan"]
    names = ("status_matched", "status_review", "status_not_anime")
    return [*(matches[name] for name in names), plan["planned_marks"]]
