"""The demonstration behind `scripts/demo`: the whole graph on a throw-away home."""
