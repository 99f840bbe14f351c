"""The watchlist: new episodes of what users follow, found at providers and fetched."""
