"""Files that hold more than one episode."""

MOST_EPISODES = 20
"""A file with more of them is a mistake of its library."""


def episode_numbers(first: int, last: int | None) -> range:
    """Return the numbers of the episodes in a file.

    Args:
        first: The first one's number.
        last: The last one's; None where there is one.
    """
    if last is None or not first <= last < first + MOST_EPISODES:
        last = first
    return range(first, last + 1)
