"""Two `.strm` libraries, of a local folder and of OpenList, and a media server that is told."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sync_assets.ledger import Ledger
from sync_assets.strm import notify
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.support.media import write_media
from sync_assets_tests.upstreams.media_server import (
    API_KEY,
    MediaServerStandIn,
    running_media_server,
)
from sync_assets_tests.upstreams.openlist import OpenListServer

MEDIA = (
    "Movies/Le Fabuleux Destin d'Amélie (2001)/Amélie.mkv",
    "Movies/Akira (1988)/Akira.mkv",
    "Movies/Akira (1988)/Akira.mp4",
    "Movies/100% Wolf #1?/100% Wolf + Extras & more.mkv",
    "Movies/千と千尋の神隠し (2001)/千と千尋の神隠し.mkv",
    'Movies/literal%2Fpercent:*<>|" \\ backslash.mkv',
    "Movies/ leading and trailing .mkv",
    "Movies/Akira (1988)/Akira.nfo",
    "Movies/Akira (1988)/poster.jpg",
)
SUBTITLE = "Movies/Akira (1988)/Akira.zh.srt"
REMOVED = "Movies/千と千尋の神隠し (2001)/千と千尋の神隠し.mkv"
EPISODES = (
    "/115/Shows/進撃の巨人/Season 1/進撃の巨人 - S01E01.mkv",
    "/115/Shows/進撃の巨人/Season 1/進撃の巨人 - S01E02.mkv",
    "/115/Shows/Frieren/[Group] Frieren - 01 (1080p) [ABCD1234].mkv",
    "/115/Shows/Frieren/" + "とても長い題名の" * 5 + ".mkv",
)
NEW_EPISODE = "/115/Shows/Frieren/[Group] Frieren - 02 (1080p) [ABCD1234].mkv"
NUMBERS = ("listed", "created", "unchanged", "metadata_copied", "deleted", "announced", "failed")
HEADINGS = ("run", "library", "listed", "new", "same", "copied", "deleted", "told", "failed")

_openlist = OpenListServer()
_jellyfin: list[MediaServerStandIn] = []


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Make a media folder, and start OpenList and Jellyfin."""
    write_media(base / "media", list(MEDIA))
    with _openlist, running_media_server() as jellyfin:
        for path in EPISODES:
            _openlist.add(path)
        _jellyfin.append(jellyfin)
        yield f"""
[strm.jobs.movies]
source = {{ path = "media" }}
output = "library/movies"
url_template = "http://nas.lan:8000/media/{{path}}"
metadata = {{ mode = "copy" }}

[strm.jobs.shows]
output = "library/shows"

[strm.jobs.shows.source]
type = "openlist"
base_url = "{_openlist.url}"
path = "/115/Shows"
token = "{_openlist.static_token}"

[strm.media_servers.jellyfin]
base_url = "{jellyfin.url}"
api_key = "{API_KEY}"
"""


def show(stage: Stage) -> None:
    """Sync both libraries, change something, and let an event bring an episode."""
    (jellyfin,) = _jellyfin
    rows: list[tuple[object, ...]] = []
    for title, change, expected in (
        ("first", lambda: None, {"movies": {"created": 7, "metadata_copied": 2}}),
        ("again", lambda: None, {"movies": {"unchanged": 7}, "shows": {"unchanged": 4}}),
        (
            "1 added, 1 gone",
            lambda: _change(stage.base / "media"),
            {"movies": {"metadata_copied": 1, "deleted": 1}, "shows": {"announced": 0}},
        ),
    ):
        change()
        by_library = _numbers(stage.run_job("strm_full", title))
        for library, wanted in expected.items():
            stage.expect(f"{title}, {library}", by_library[library], wanted)
        rows += [
            (title, library, *(numbers[name] for name in NUMBERS))
            for library, numbers in sorted(by_library.items())
        ]
    stage.table("What strm_full did", HEADINGS, rows)
    _follow_an_event(stage, jellyfin)
    _show_files(stage, stage.base / "library")


def _follow_an_event(stage: Stage, jellyfin: MediaServerStandIn) -> None:
    jellyfin.updates.clear()
    _openlist.add(NEW_EPISODE)
    listed_before = len(_openlist.statistics.listed)
    ledger = Ledger.open(stage.settings.ledger_url)
    notify(ledger, NEW_EPISODE, "create")
    ledger.close()
    stage.run_job("strm_events", "an episode was uploaded")
    told = [Path(path).name for path, _ in jellyfin.updates]
    stage.expect("event", {"told": told}, {"told": [Path(NEW_EPISODE).stem + ".strm"]})
    stage.say(
        "No scan: OpenList was asked for "
        f"{len(_openlist.statistics.listed) - listed_before} folder, "
        f"Jellyfin was told of {len(told)} file."
    )


def _change(media: Path) -> None:
    (media / REMOVED).unlink()
    write_media(media, [SUBTITLE])


def _numbers(steps: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return what a run did by library."""
    numbers: dict[str, dict[str, int]] = {}
    for step in steps:
        found = numbers.setdefault(step["partition"], dict.fromkeys(NUMBERS, 0))
        for name in NUMBERS:
            found[name] += step.get(name, 0)
    return numbers


def _show_files(stage: Stage, library: Path) -> None:
    rows = []
    for path in sorted(each for each in library.rglob("*") if each.is_file()):
        target = "-"
        if path.suffix == ".strm":
            address = path.read_text(encoding="utf-8").partition("?sign=")[0]
            target = "…/" + unquote(address.partition("//")[2].partition("/")[2])
        rows.append((path.relative_to(library), target))
    stage.table(
        "The libraries: each .strm file is one line that a player opens; the others are copies",
        ("file", "points at"),
        rows,
    )
