"""The configuration that gallery-dl gets: one file per run, readable by its owner alone.

gallery-dl is used as a program, with configuration only: its licence does not allow it to become
a part of this project. Each option that is not its default is here because of something that was
seen to go wrong without it.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sync_assets.pixiv.account import Account
from sync_assets.pixiv.models import Visibility

ROOT = "https://www.pixiv.net"
ARCHIVE_FORMAT = "{id}_{num}_{date_url:%Y%m%d%H%M%S}"
FILE_NAME = "{id}_p{num}_{date_url:%Y%m%d%H%M%S}.{extension}"
DIRECTORY = ["{user[id]}"]
FILE_FIELDS = ["id", "num", "date_url", "extension", "_path"]
POST_FIELDS = ["id", "count", "frames", "_ugoira_frame_data"]
"""What a download pass says of a work; a list pass says all that is known."""


def bookmarks_url(user_id: int, visibility: Visibility) -> str:
    """Return the address of a list of bookmarks."""
    rest = "hide" if visibility is Visibility.PRIVATE else "show"
    return f"{ROOT}/users/{user_id}/bookmarks/artworks?rest={rest}"


def work_url(work_id: int) -> str:
    """Return the address of a work."""
    return f"{ROOT}/artworks/{work_id}"


def listing_config(
    account: Account, run_directory: Path, *, maximum: int, ugoira: bool, tags: bool = False
) -> dict[str, Any]:
    """Make the configuration of a list pass, which downloads nothing.

    Args:
        account: The account.
        run_directory: Where the run's events go.
        maximum: The most works to list; 0 for all.
        ugoira: Whether to ask for the frames of each ugoira, a request each.
        tags: Whether to ask for the bookmark's own tags, a request each.
    """
    options = {
        "download": False,
        # Without an archive every file is announced, with the date of its upload.
        "skip": False,
        "max-posts": maximum,
        "ugoira": ugoira,
        "sanity": False,
        "metadata-bookmark": tags,
    }
    recorders = [
        _recorder(run_directory, "post"),
        _recorder(run_directory, "prepare", FILE_FIELDS),
        _recorder(run_directory, "finalize-success"),
    ]
    return _config(account, options, recorders)


def download_config(
    account: Account, run_directory: Path, *, work_ids: Collection[int], maximum: int
) -> dict[str, Any]:
    """Make the configuration of a download pass.

    Args:
        account: The account.
        run_directory: Where the run's events go.
        work_ids: The works to download; others on the way are passed over.
        maximum: The most works to look at; 0 for all.
    """
    wanted = ",".join(map(str, sorted(work_ids)))
    options = {
        "archive": str(account.archive_path),
        # The default confuses page 12 of work 3 with page 2 of work 31, and a date makes a
        # re-uploaded work a new one.
        "archive-format": ARCHIVE_FORMAT,
        "archive-pragma": ["journal_mode=WAL", "synchronous=NORMAL"],
        "skip": True,
        # Else one 429 puts the small image in the place of the large one, for good.
        "fallback": False,
        "post-filter": f"id in {{{wanted}}}",
        "max-posts": maximum,
        "ugoira": True,
        "sanity": True,
    }
    recorders = [
        _recorder(run_directory, "post", POST_FIELDS),
        *(_recorder(run_directory, event, FILE_FIELDS) for event in ("after", "skip", "error")),
        _recorder(run_directory, "finalize-success"),
    ]
    return _config(account, options, recorders)


def _config(
    account: Account, options: dict[str, Any], recorders: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    pixiv = account.pixiv
    network: dict[str, Any] = {
        "retries": pixiv.retries,
        "retry-codes": [429],
        "sleep-429": pixiv.sleep_429,
    }
    if pixiv.proxy is not None:
        network["proxy"] = pixiv.proxy.get_secret_value()
    return {
        "extractor": {
            # Half of a start goes into reading the other sites' addresses.
            "modules": ["pixiv"],
            **network,
            "base-directory": str(account.download_directory),
            # Without it an empty list gives no end marker, and looks like a broken one.
            "init": True,
            "metadata-path": "_path",
            "sleep": pixiv.sleep,
            "sleep-request": pixiv.sleep_request,
            "postprocessors": list(recorders),
            "pixiv": {
                "refresh-token": account.settings.refresh_token.get_secret_value(),
                "directory": DIRECTORY,
                "filename": FILE_NAME,
                **options,
            },
        },
        "downloader": {
            **network,
            "part": True,
            "part-directory": str(account.parts_directory),
            "progress": None,
        },
        "output": {"mode": "null", "progress": False, "ansi": False},
    }


def _recorder(run_directory: Path, event: str, fields: Sequence[str] = ()) -> dict[str, Any]:
    """Append one line of JSON per event to a file of its own, with all fields or with some."""
    recorder: dict[str, Any] = {
        "name": "metadata",
        "mode": "jsonl",
        "event": event,
        "base-directory": str(run_directory),
        "filename": f"{event}.jsonl",
        "private": True,
        # Half a surrogate pair in one title would end the whole run.
        "ascii": True,
        # Of an empty list there is nothing to write, and its end must still be seen.
        "empty": True,
    }
    if fields:
        recorder["include"] = list(fields)
    return recorder
