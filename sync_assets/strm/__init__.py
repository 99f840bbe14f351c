"""STRM: media on a drive become a tree of small `.strm` files for Jellyfin, Emby and Kodi.

`assets` is the pipeline: listing, tree, orphans. `scan` and `sources` look at the drive, `naming`
and `links` decide what a file is called and holds, `output` writes it, `manifest` remembers what
was written, and `orphans` decides what may be deleted.
"""
