"""What a target of the relay may be configured with."""

import pytest
from pydantic import ValidationError

from sync_assets.settings.relay_targets import RcloneTargetSettings


@pytest.mark.parametrize("name", ["--drive-chunk-size", "rc-addr", "config", "Drive", ""])
def test_an_option_is_named_as_rclone_does_and_leaves_alone_what_is_ours(name: str) -> None:
    with pytest.raises(ValidationError, match="without its dashes"):
        RcloneTargetSettings(kind="rclone", remote="gdrive:", options={name: "x"})


def test_no_option_gives_files_other_names() -> None:
    with pytest.raises(ValidationError, match="use 'path'"):
        RcloneTargetSettings(
            kind="rclone", remote="gdrive:", options={"name-transform": "lowercase"}
        )
