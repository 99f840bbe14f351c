"""Bangumi: what was watched is matched to its subjects and episodes, and reported there.

`custom` takes in what media servers send, `matching` finds the place of every episode. `assets` is
the pipeline: `matching_stage`, `planning` (with `deciding`, `marks` and `entries`, which ask
nobody) and `sending`, with `subject_sending`. `reports` holds how far each report is. `http` and
`client` talk to Bangumi with the tokens of `access`, `oauth` connects accounts, `undoing` takes a
run back.
"""
