"""STRM: media on a drive become a tree of small `.strm` files for Jellyfin, Emby and Kodi.

`assets` is the pipeline: listing, tree, metadata, orphans, announcements; `pipeline` has its stages
without Dagster. `sources` are the drives, `listing` walks them. `naming`, `discs` and `links` say
what a file is called and holds, `tree` compares, `output` writes, `manifest` remembers what was
written. `deleting` finds what has no media any more, and holds all that keeps that safe. `metadata`
brings nfo files, images and subtitles along. `events` follows storage events without a scan.
Other domains call `notify`.
"""

from sync_assets.strm.events.notification import notify

__all__ = ["notify"]
