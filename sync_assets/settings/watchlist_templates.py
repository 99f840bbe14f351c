"""Which templates of folders and files are valid: known fields, nothing that leads elsewhere."""

from pathlib import PurePosixPath
from string import Formatter

PATH_FIELDS = (
    "title",
    "season",
    "episode",
    "kind",
    "episode_title",
    "version",
    "resolution",
    "group",
    "language",
)
DEFAULT_FOLDER = "{title}/Season {season}"
DEFAULT_FILE = "{title} - S{season}E{episode}"


def valid_folder_template(template: str) -> str:
    """Make sure that a template makes a relative folder.

    Args:
        template: The template, its folders separated by `/`.

    Returns:
        The same template.

    Raises:
        ValueError: It has an unknown field, a brace too many, or leads out of the library.
    """
    _require_fields(template)
    path = PurePosixPath(template)
    if not template.strip() or path.is_absolute() or ".." in path.parts or "\\" in template:
        message = "must be a folder within the library, such as '{title}/Season {season}'"
        raise ValueError(message)
    return template


def valid_file_template(template: str) -> str:
    """Make sure that a template makes a name that tells episodes apart.

    Args:
        template: The template, without an extension.

    Returns:
        The same template.

    Raises:
        ValueError: It has an unknown field, a brace too many, a folder, or no number.
    """
    names = _require_fields(template)
    if "/" in template or "\\" in template:
        message = "must be a name without folders"
        raise ValueError(message)
    if "episode" not in names:
        message = "must have {episode}: all episodes of a season would have one name"
        raise ValueError(message)
    return template


def _require_fields(template: str) -> set[str]:
    allowed = ", ".join(f"{{{name}}}" for name in PATH_FIELDS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        message = f"has a brace too many or too few ({error}); write {{{{ for {{"
        raise ValueError(message) from None
    names = set()
    for _, name, specification, conversion in parts:
        if name is None:
            continue
        if name not in PATH_FIELDS or specification or conversion:
            message = f"has the unknown field {{{name}}}; allowed are {allowed}"
            raise ValueError(message)
        names.add(name)
    return names
