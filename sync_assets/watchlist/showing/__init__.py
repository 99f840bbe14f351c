"""What is shown of the watchlist: calendar, statistics, feeds, posters, notifications."""
