"""What rclone's errors mean. It has texts for them, no codes; those of its exit moved in 2024.

The texts are those of rclone 1.60 to 1.75, and of the storages behind it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sync_assets.relay.models import Reason, ReasonCode

_LONGEST_TEXT = 300


@dataclass(frozen=True)
class Failure:
    """What an error means.

    Attributes:
        reason: Why it failed, with what to do.
        is_final: Whether it will fail again until somebody does something.
        is_of_target: Whether everything else fails at the target as well.
    """

    reason: Reason
    is_final: bool = False
    is_of_target: bool = False


def _final(code: ReasonCode, text: str) -> Failure:
    return Failure(Reason(code, text), is_final=True, is_of_target=True)


_RATE_LIMITED = Failure(
    Reason(ReasonCode.RATE_LIMITED, "The storage wants fewer requests. Nothing to do.")
)
_QUOTA_FULL = _final(
    ReasonCode.QUOTA_FULL,
    "The storage is full. Free space there, or enlarge it; then retry the upload. What waits for "
    "this target goes on with it.",
)
_WRONG_SECRET = _final(
    ReasonCode.WRONG_SECRET,
    "The storage does not accept the login. Renew it with `rclone config reconnect`, or correct "
    "it with `rclone config`; then retry the upload.",
)
_WRONG_REMOTE = _final(
    ReasonCode.WRONG_REMOTE,
    "rclone does not know the remote. Compare relay.targets with what `rclone listremotes` shows; "
    "config_path says which configuration is meant. Then retry the upload.",
)
_FORBIDDEN = Failure(
    Reason(
        ReasonCode.FORBIDDEN,
        "The storage forbids it. Let the account write to the target's folder; then retry.",
    ),
    is_final=True,
)
_NETWORK = Failure(
    Reason(ReasonCode.NETWORK, "The storage cannot be reached, or broke off. Nothing to do.")
)
_SERVER_ERROR = Failure(Reason(ReasonCode.SERVER_ERROR, "The storage failed. Nothing to do."))
_WRONG_CHECKSUM = Failure(
    Reason(ReasonCode.WRONG_CHECKSUM, "It arrived damaged. It is uploaded again.")
)

# The first that matches counts: a rate limit may come as 403, and a full storage as 500.
_MEANINGS: Sequence[tuple[Failure, Sequence[str]]] = (
    (
        _RATE_LIMITED,
        (
            r"\b429\b",
            "too.?many.?requests",
            "rate.?limit",
            "activitylimitreached",
            "throttl",
            "slow ?down",
        ),
    ),
    (
        _QUOTA_FULL,
        (
            r"\b507\b",
            "insufficient.?(storage|space)",
            "quota",
            "no space left",
            "storage.?(full|limit)",
            "not enough (space|storage)",
            "disk full",
        ),
    ),
    (
        _WRONG_SECRET,
        (
            r"\b401\b",
            "unauthori[sz]ed",
            "unauthenticated",
            "invalid_(grant|client)",
            "couldn't fetch token",
            "empty token",
            "token.{0,20}(expired|revoked)",
            "unable to authenticate",
            "invalid.?access.?(token|key)",
            "signaturedoesnotmatch",
            "unable to decrypt",
            "config.{0,20}password",
        ),
    ),
    (
        _WRONG_REMOTE,
        (
            "didn't find (section|backend)",
            "unknown (remote|backend)",
            "failed to create file system",
            "no such bucket|nosuchbucket",
        ),
    ),
    (
        _FORBIDDEN,
        (r"\b403\b", "forbidden", "permission denied", "access.?denied", "insufficient.?perm"),
    ),
    (_WRONG_CHECKSUM, ("corrupted on transfer", "sizes differ", "hash(es)? differ")),
    (
        _NETWORK,
        (
            "connection (refused|reset|lost)",
            "no such host",
            "network is (down|unreachable)",
            "no route to host",
            "timed? ?out",
            "deadline exceeded",
            "broken pipe",
            r"\beof\b",
            "tls handshake",
            "dial tcp",
        ),
    ),
    (
        _SERVER_ERROR,
        (
            r"\b50[0234]\b",
            "internal server error",
            "bad gateway",
            "service unavailable",
            # Others write to the same folder.
            r"\b423\b",
        ),
    ),
)


def failure_of(text: str) -> Failure:
    """Say what an error means.

    Args:
        text: What rclone says.
    """
    lowered = _without_addresses(text).lower()
    for failure, patterns in _MEANINGS:
        if any(re.search(pattern, lowered) for pattern in patterns):
            return failure
    shown = _without_addresses(text)[:_LONGEST_TEXT].rstrip(". ")
    return Failure(
        Reason(ReasonCode.RCLONE_ERROR, f"rclone failed: {shown}. https://rclone.org explains it.")
    )


def _without_addresses(text: str) -> str:
    """Remove addresses, which may hold a login."""
    return re.sub(r"\w+://\S+", "the storage", text)
