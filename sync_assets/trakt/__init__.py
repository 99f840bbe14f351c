"""Trakt: what each account has watched, rated and collected, as tables of the lake.

`assets` shows the pipeline; `history` and `snapshots` are its logic, in plain Python: what to ask
for, and what the answers mean for what is known. `client` is the one place that talks to Trakt,
`oauth` the one that talks to its OAuth host. Other domains read the tables and use nothing else
but `build_selection` of `automation`.
"""
