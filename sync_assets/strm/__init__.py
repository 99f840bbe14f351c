"""STRM: media on a drive become a tree of small `.strm` files for Jellyfin, Emby and Kodi.

`assets` is the pipeline: listing, tree, metadata, orphans. `scan` and `sources` look at the drive,
`naming` and `links` decide what a file is called and holds, `output` writes it, `manifest`
remembers what was written, and `orphans` decides what may be deleted. `metadata` brings nfo files,
images and subtitles along: `metadata_files` compares, `copying` and `mounts` read. Beside it
`changes` follows storage events: `events` reads them, `routing` sorts them by job, `touching` looks
at what they name, and `draining` does so for the whole inbox. Other domains call `notify`.
"""

from sync_assets.strm.notification import notify

__all__ = ["notify"]
