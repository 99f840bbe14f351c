"""Bangumi: what was watched is matched to its subjects and episodes, and reported there.

`matching` finds the place of every episode; it asks the network only through `BangumiSearch`.
"""
