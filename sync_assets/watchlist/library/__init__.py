"""The user's library of episodes: what files are called, and how they come there."""
