"""Which targets can be used, as things are configured."""

from sync_assets.ledger import Ledger
from sync_assets.relay.bot_api import BotApi
from sync_assets.relay.rclone.rpc import RcloneClient
from sync_assets.relay.rclone.source import RcloneProcesses
from sync_assets.relay.rclone.storage import Storage
from sync_assets.relay.uploading.claims import Claims
from sync_assets.relay.uploading.rclone_target import RcloneTarget
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.telegram_target import TelegramTarget
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings import Settings
from sync_assets.settings.relay_targets import RcloneTargetSettings, TelegramTargetSettings
from sync_assets.telegram.client import bot_id


def open_targets(
    settings: Settings,
    ledger: Ledger,
    processes: RcloneProcesses,
    bot: BotApi | None,
    *,
    verified_files: VerifiedFiles | None = None,
) -> dict[str, Target]:
    """Return the targets by name; a chat without a bot is left out.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        processes: Starts rclone when it is first needed.
        bot: The bot; None where there is none.
        verified_files: The files that need not be read again; None where none was verified.
    """
    claims, verified_files = Claims(), verified_files or VerifiedFiles()
    targets: dict[str, Target] = {}
    token = settings.telegram.bot_token
    for name, target in settings.relay.targets.items():
        if isinstance(target, RcloneTargetSettings):
            targets[name] = _rclone_target(target, processes, claims, verified_files)
        elif isinstance(target, TelegramTargetSettings) and bot is not None and token is not None:
            targets[name] = TelegramTarget(
                target,
                ledger,
                bot,
                verified_files,
                bot_id=bot_id(token),
                is_local=settings.relay.local_bot_api,
            )
    return targets


def _rclone_target(
    target: RcloneTargetSettings,
    processes: RcloneProcesses,
    claims: Claims,
    verified_files: VerifiedFiles,
) -> RcloneTarget:
    def client() -> RcloneClient:
        return processes.process(target).client()

    return RcloneTarget(target, Storage(client, target.remote), claims, verified_files)
