"""How this project names itself to Bangumi."""

from sync_assets import __version__

USER_AGENT = f"sync-assets/sync-assets/{__version__} (personal media library)"
"""`owner/app/version (about)`, as Bangumi asks for; it refuses the names of bare HTTP libraries."""
