"""The configuration of the Bangumi domain: how what was watched is matched."""

from pydantic import Field

from sync_assets.settings.section import AnchoredPath, Section


class MatchingSettings(Section):
    """How what was watched is matched to Bangumi."""

    minimum_confidence: float = Field(
        default=0.9,
        ge=0.5,
        le=1,
        description="A match below it waits for review and is never marked by itself.",
    )
    overrides: AnchoredPath | None = Field(
        default=None,
        description="The TOML file of your own rules. Default: matching.toml in the home.",
    )
    blocked_words: tuple[str, ...] = Field(
        default=(), description="Shows and films with one of these in their title are left alone."
    )


class BangumiSettings(Section):
    """Bangumi."""

    matching: MatchingSettings = MatchingSettings()
