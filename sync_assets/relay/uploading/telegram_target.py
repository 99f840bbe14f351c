"""A target that is a Telegram chat: sent by its file id where the bot has it, else uploaded.

Telegram does not tell what it has, so that an answer that is lost leaves open whether the file is
in the chat. Such an upload is never sent again by itself.
"""

import threading
from collections.abc import Mapping, Sequence

import httpx

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError, SentFile
from sync_assets.relay.models import DownloadKind, Reason, ReasonCode, VerifiedBy
from sync_assets.relay.uploading.local import (
    LocalFile,
    SourceLostError,
    digest_of,
    local_files,
)
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    SourceLost,
    UploadOutcome,
)
from sync_assets.relay.uploading.transfer import Transfer
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings.relay_targets import TelegramTargetSettings
from sync_assets.telegram.pacing import Pace, Pacer

CLOUD_MAXIMUM_BYTES = 50_000_000
LOCAL_MAXIMUM_BYTES = 2_000_000_000
"""What a bot may send: https://core.telegram.org/bots/api#sending-files."""

_LONGEST_PACE_SECONDS = 60.0
_LONGEST_CAPTION = 1_024
_DEFAULT_RETRY_AFTER_SECONDS = 30.0

ANSWER_LOST = Reason(
    ReasonCode.ANSWER_LOST,
    "Telegram's answer was lost: the file may be in the chat or not. Look there; then confirm the "
    "upload if it is, or retry it if it is not.",
)
_FOLDER = Refused(
    Reason(
        ReasonCode.NOT_A_FILE,
        "Telegram takes single files, and this is a folder. Use a target of the kind rclone for "
        "it, and cancel this upload.",
    )
)
_RATE_LIMITED = Reason(
    ReasonCode.RATE_LIMITED, "Telegram takes no more messages for a while. Nothing to do."
)
_UNREACHABLE = Reason(
    ReasonCode.NETWORK,
    "Telegram cannot be reached. Check the network, telegram.base_url and telegram.proxy.",
)
_WRONG_TOKEN = Reason(
    ReasonCode.WRONG_SECRET,
    "Telegram does not know the bot. Set telegram.bot_token to the token that @BotFather shows; "
    "then retry the upload.",
)


class TelegramTarget:
    """A chat.

    Args:
        settings: The target.
        ledger: Holds the pace of all who post with the bot.
        bot: The bot.
        verified_files: The files that need not be read again.
        bot_id: Its id.
        is_local: Whether it talks to a Bot API server of one's own.
        pace: How fast Telegram takes messages.
    """

    lost_answer: Reason | None = ANSWER_LOST
    takes_files = True

    def __init__(  # noqa: PLR0913 - all but three are named
        self,
        settings: TelegramTargetSettings,
        ledger: Ledger,
        bot: BotApi,
        verified_files: VerifiedFiles,
        *,
        bot_id: str,
        is_local: bool,
        pace: Pace | None = None,
    ) -> None:
        self._settings = settings
        self._bot = bot
        self._verified_files = verified_files
        self._bot_id = bot_id
        self._maximum_bytes = LOCAL_MAXIMUM_BYTES if is_local else CLOUD_MAXIMUM_BYTES
        self._pacer = Pacer(ledger, bot_id, pace or Pace())
        self._turns = threading.Lock()

    def prepare(self) -> None:
        """See `Target`."""

    def path(self, row: AnyRow) -> str:  # noqa: ARG002 - the same for every file
        """See `Target`."""
        return self._settings.chat_id

    def announced_path(self, path: str) -> str | None:  # noqa: ARG002
        """See `Target`."""
        return None

    def sends_together(self, row: AnyRow) -> bool:  # noqa: ARG002
        """See `Target`; a chat takes one message at a time."""
        return False

    def send_together(
        self, uploads: Sequence[tuple[AnyRow, Transfer]]
    ) -> Mapping[int, UploadOutcome]:
        """See `Target`."""
        return {row.id: self.send(row, transfer) for row, transfer in uploads}

    def remove_part(self, row: AnyRow) -> None:
        """See `Target`; a message is there as a whole, or not at all."""

    def still_has(self, row: AnyRow) -> bool:  # noqa: ARG002
        """See `Target`; a bot cannot look into a chat."""
        return True

    def send(self, row: AnyRow, transfer: Transfer) -> UploadOutcome:
        """See `Target`."""
        try:
            files = local_files(row)
            return self._send_file(row, files[0], transfer) if len(files) == 1 else _FOLDER
        except SourceLostError as error:
            return SourceLost(error.reason)
        except RateBudgetExhaustedError:
            return Postponed(_RATE_LIMITED, _LONGEST_PACE_SECONDS, is_attempt=False)
        except BotUnreachableError as error:
            return Refused(ANSWER_LOST) if error.may_have_arrived else Postponed(_UNREACHABLE)
        except BotApiError as error:
            return self._outcome_of(error)

    def _send_file(self, row: AnyRow, file: LocalFile, transfer: Transfer) -> UploadOutcome:
        sent = self._send_known(row, transfer)
        if sent is None:
            if file.size_bytes > self._maximum_bytes:
                return Refused(self._too_large())
            sent = self._upload(row, file, transfer)
        return Published(
            VerifiedBy.TELEGRAM,
            f"file_unique_id={sent.file_unique_id}",
            f"{self._settings.chat_id}/{sent.message_id}",
            file.size_bytes,
        )

    def _send_known(self, row: AnyRow, transfer: Transfer) -> SentFile | None:
        """Send a file by its id, which takes no upload; None where Telegram does not take that."""
        if row.media_kind != DownloadKind.TELEGRAM or row.media_bot_id != self._bot_id:
            return None
        for kind in _likely_kinds(row.media_mime):
            self._wait_for_turn(transfer)
            try:
                return self._bot.send_file_id(
                    self._settings.chat_id,
                    kind,
                    row.media_file_id,
                    caption=_caption(row),
                    silent=self._settings.disable_notifications,
                )
            except BotApiError as error:
                # It says why only in words: of another kind, or not known any more.
                if error.status != httpx.codes.BAD_REQUEST or _is_about_chat(error):
                    raise
        return None

    def _upload(self, row: AnyRow, file: LocalFile, transfer: Transfer) -> SentFile:
        digest_of(file, frozenset(), self._verified_files, transfer.require)
        self._wait_for_turn(transfer)

        def progress(sent_bytes: int) -> None:
            # Telegram takes a request as a whole: while its end is not sent, it can be stopped.
            transfer.require()
            transfer.report(sent_bytes, 0)

        return self._bot.send_document(
            self._settings.chat_id,
            file.path,
            caption=_caption(row),
            silent=self._settings.disable_notifications,
            progress=progress,
        )

    def _wait_for_turn(self, transfer: Transfer) -> None:
        with self._turns:
            seconds = self._pacer.reserve(
                self._settings.chat_id, 1, maximum_wait_seconds=_LONGEST_PACE_SECONDS
            )
        transfer.wait(seconds)

    def _outcome_of(self, error: BotApiError) -> UploadOutcome:
        said = f"Telegram refused it: {error.description}."
        if error.status == httpx.codes.TOO_MANY_REQUESTS:
            seconds = error.retry_after_seconds or _DEFAULT_RETRY_AFTER_SECONDS
            self._pacer.block(self._settings.chat_id, seconds)
            return Postponed(_RATE_LIMITED, seconds, is_attempt=False)
        if error.status in (httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND):
            return Refused(_WRONG_TOKEN, is_of_target=True)
        if error.status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return Refused(self._too_large())
        if error.status == httpx.codes.FORBIDDEN or _is_about_chat(error):
            remedy = "Let the bot write in the chat, and check the target's chat_id; then retry."
            return Refused(Reason(ReasonCode.FORBIDDEN, f"{said} {remedy}"), is_of_target=True)
        if error.status == httpx.codes.BAD_REQUEST:
            return Refused(Reason(ReasonCode.TELEGRAM_REFUSED, f"{said} Then retry the upload."))
        return Refused(ANSWER_LOST)

    def _too_large(self) -> Reason:
        return Reason(
            ReasonCode.TOO_LARGE_FOR_TARGET,
            f"A bot may send {self._maximum_bytes // 1_000_000} MB. Use a target of the kind "
            "rclone for it and cancel this upload; or run a local Bot API server, which takes "
            "2000 MB (docs/relay.md), and retry it.",
        )


def _likely_kinds(mime: str | None) -> Sequence[str]:
    """Return how a file may be sent by its id: only as what it was sent before."""
    family = (mime or "").partition("/")[0]
    kinds = {"video": ("video", "animation"), "image": ("photo",), "audio": ("audio", "voice")}
    return (*kinds.get(family, ()), "document")


def _is_about_chat(error: BotApiError) -> bool:
    said = error.description.lower()
    return "chat" in said or "rights" in said


def _caption(row: AnyRow) -> str:
    """Return the text that came with a medium, at most as long as Telegram takes it."""
    encoded = row.media_caption.encode("utf-16-le")[: 2 * _LONGEST_CAPTION]
    return encoded.decode("utf-16-le", "ignore")
