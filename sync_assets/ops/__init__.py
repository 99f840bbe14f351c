"""Running the project: its home, its processes, its tools, and what is kept for how long.

Nothing here knows a domain; what a domain needs run or removed is passed in or lives with it.
"""
