"""What an extension of a file is in the configuration of the STRM domain."""

import re
from typing import Annotated

from pydantic import AfterValidator


def _valid_extension(extension: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,16}", extension):
        message = "an extension is letters and digits without a dot, such as 'mkv'"
        raise ValueError(message)
    return extension.lower()


Extension = Annotated[str, AfterValidator(_valid_extension)]
"""The end of a file's name behind its last dot, in lower case."""
