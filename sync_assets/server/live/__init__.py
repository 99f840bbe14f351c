"""Live updates: the history as it grows, and how far transfers are.

`event_feed` polls the ledger once for all clients, `transfer_board` holds how far transfers are,
and `frames` and `messages` are what clients get. `events` serves it as server-sent events,
`websocket` at `/ws`.
"""
