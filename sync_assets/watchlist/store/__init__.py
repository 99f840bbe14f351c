"""The watchlist's rows in the ledger: lifecycles, and the only functions that write to them."""
