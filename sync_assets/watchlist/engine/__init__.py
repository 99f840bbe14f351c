"""A run of the watchlist: ask providers, store what they list, choose, queue, follow to the file.

`worker` drives a run, `checking` an item's check through `taking_in`, `deciding` (by `choosing`)
and `queueing`; `following` brings back what became of downloads. Plain Python.
"""
