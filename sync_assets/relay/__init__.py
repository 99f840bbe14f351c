"""The relay: media from Telegram and from links, through aria2, to where they are kept.

`updates` reads messages, `receiving` brings them into the ledger, `gateway` gives aria2 what
Telegram holds, `engine` drives downloads through `aria2`, `uploading` drives uploads through
`rclone` and the Bot API, `replying` answers, and `worker` does all of it until everything is at
rest. `media`, `downloads` and `uploads` hold the lifecycles. Other domains call `enqueue`, and
follow what they queued with `state_of` and `try_again`.
"""

from sync_assets.relay.enqueueing import enqueue
from sync_assets.relay.following import Progress, state_of, try_again

__all__ = ["Progress", "enqueue", "state_of", "try_again"]
