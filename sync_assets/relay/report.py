"""What a worker has done, in numbers."""

from dataclasses import dataclass, field

from sync_assets.relay.engine.settling import DownloadReport
from sync_assets.relay.uploading.settling import UploadReport


@dataclass
class IntakeReport:
    """What came in.

    Attributes:
        messages: Messages that brought something.
        added: Media that are new.
        known: Media that were known.
        refused: Messages of senders who may not send, and those that bring nothing.
        failed: Updates that could not be read.
    """

    messages: int = 0
    added: int = 0
    known: int = 0
    refused: int = 0
    failed: int = 0


@dataclass
class RelayReport:
    """What a worker has done.

    Attributes:
        intake: What came in.
        downloads: What was downloaded.
        uploads: What was uploaded, and removed here.
        replies: Status messages that were sent or edited.
        problems: What did not work, and stopped nothing else.
    """

    intake: IntakeReport = field(default_factory=IntakeReport)
    downloads: DownloadReport = field(default_factory=DownloadReport)
    uploads: UploadReport = field(default_factory=UploadReport)
    replies: int = 0
    problems: list[str] = field(default_factory=list)
