"""The watchlist: new episodes of what users follow, found at providers and fetched.

`providers` reads sites and feeds, `titles` release names; `store` holds the rows of the ledger,
`intake` is what users bring, `engine` a run, `library` where files go, `showing` what is seen.
"""
