"""A stand-in of Pixiv: app API, OAuth, image host and web API behind one TLS proxy.

`works` makes the works and their files, `faults` says what goes wrong, `server` answers. Written
from what Pixiv's apps and their documented clients send and receive.
"""

from sync_assets_tests.upstreams.pixiv.faults import Fault
from sync_assets_tests.upstreams.pixiv.server import PixivStandIn
from sync_assets_tests.upstreams.pixiv.works import Work, make_works

__all__ = ["Fault", "PixivStandIn", "Work", "make_works"]
