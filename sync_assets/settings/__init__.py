"""The configuration: one pydantic model per domain, read from TOML and the environment.

Import `Settings` and `load_settings` from here. The models live in `models` (what every
installation has) and in one module per domain; `loading` finds and reads the file; `problems`
turns validation errors into text that a user can act on.
"""

from sync_assets.settings.loading import load_settings
from sync_assets.settings.models import Settings
from sync_assets.settings.problems import ConfigurationError, Problem

__all__ = ["ConfigurationError", "Problem", "Settings", "load_settings"]
