"""Drive uploads to rest: how a file gets to each kind of target, and what the ledger learns."""
