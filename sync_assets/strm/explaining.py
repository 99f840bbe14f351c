"""What to do about an error of one file or folder of an output."""

import errno

from sync_assets.errors import SyncError


def explained(error: SyncError | OSError) -> tuple[str, str]:
    """Return what went wrong with an item, and what the user can do about it.

    Args:
        error: What was raised.
    """
    if isinstance(error, SyncError):
        return error.message, error.remedy
    remedies = {
        "ELOOP": "Remove the symbolic link from the output; links are not followed.",
        "ENOTDIR": "Something that is not a folder is in the way in the output: move it.",
        "EISDIR": "A folder of this name is in the way in the output: move it.",
        "EACCES": "Give this user permission to write there.",
        "EPERM": "Give this user permission to write there.",
        "ENAMETOOLONG": "Shorten the folder's name in the source.",
    }
    code = errno.errorcode.get(error.errno or 0, "")
    return error.strerror or str(error), remedies.get(code, "See the system's message.")
