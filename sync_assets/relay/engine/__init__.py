"""Drive downloads to rest: what to ask of aria2, and what its answers mean for the ledger."""
