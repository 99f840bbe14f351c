"""Talk to aria2: its interface, its process, and what its answers mean. No ledger, no Dagster."""
