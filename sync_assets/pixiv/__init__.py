"""Pixiv: bookmarks become files, animations become videos, and both become Telegram posts.

`assets` is the pipeline: bookmarks, files, animations. `gallery_dl` runs the program that talks
to Pixiv, `events` reads what it did, `listing` decides how far to look, `bookmarks` is the table
of what was seen, `downloading` gets the files, `verification` decides whether they are whole, and
`works` and `files` are their rows in the ledger.
"""
