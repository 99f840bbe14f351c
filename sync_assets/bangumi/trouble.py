"""When trouble with one subject is trouble with Bangumi as a whole."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from sync_assets.bangumi.errors import BangumiUnavailableError

SUBJECTS = 3
"""After so many subjects in a row without an answer nothing more is asked."""

_log = logging.getLogger(__name__)


class Trouble:
    """Lets a run go on past a subject that Bangumi cannot answer about.

    Attributes:
        count: How many subjects there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._in_a_row = 0

    @contextmanager
    def of_one_subject(self) -> Generator[None]:
        """Do what concerns one subject in this block.

        Raises:
            BangumiUnavailableError: It was one too many in a row.
        """
        try:
            yield
        except BangumiUnavailableError as error:
            self.count += 1
            self._in_a_row += 1
            if self._in_a_row >= SUBJECTS:
                raise
            _log.warning("%s", error)
        else:
            self._in_a_row = 0
