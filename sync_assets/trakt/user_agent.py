"""How this project names itself to Trakt."""

from sync_assets import __version__

USER_AGENT = f"sync_assets/{__version__}"
