"""The API of the relay: media, downloads, uploads and their numbers.

Each module but `answers`, `acting` and `paging`, which they share, is the router of one address.
"""
