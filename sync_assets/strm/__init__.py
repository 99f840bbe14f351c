"""STRM: media on a drive become a tree of small `.strm` files for Jellyfin, Emby and Kodi.

`assets` is the pipeline: listing, tree, metadata, orphans. `scan` and `sources` look at the drive,
`naming` and `links` decide what a file is called and holds, `output` writes it, `manifest`
remembers what was written, `orphan_finder` finds what is gone, and `orphans` deletes what may be;
`limits`, `approval`, `confirmation`, `emptied` and `event_budget` are what keeps that safe.
`metadata` brings nfo files, images and subtitles along: `metadata_plan` compares, `metadata_files`
writes, `copying` and `mounts` read. Beside it `changes` follows storage events: `events` reads
them, `routing` sorts them by job, `looking` looks at what they name, `touching` makes the library
agree with it, and `draining` does so for the whole inbox. Other domains call `notify`.
"""

from sync_assets.strm.notification import notify

__all__ = ["notify"]
