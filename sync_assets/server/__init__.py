"""The HTTP server: webhooks into the inbox, live events, health, metrics.

`app` assembles it; each router module holds one concern's routes. Routes only translate between
HTTP and the ledger's functions: what a domain does belongs in the domain.
"""
