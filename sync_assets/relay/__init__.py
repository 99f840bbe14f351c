"""The relay: media from Telegram and from links, through aria2, to where they are kept.

`updates` reads messages, `receiving` brings them into the ledger, `gateway` gives aria2 what
Telegram holds, `engine` drives downloads through `aria2`, `uploading` drives uploads through
`rclone` and the Bot API, `replying` answers, and `worker` does all of it until everything is at
rest. `media`, `downloads` and `uploads` hold the lifecycles. Other domains call `enqueue`.
"""

from sync_assets.relay.enqueueing import enqueue

__all__ = ["enqueue"]
