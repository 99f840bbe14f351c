"""A process that asks for a token: python -m sync_assets_tests.oauth.refresher SETTINGS.

SETTINGS is JSON: `ledger_url`, `key`, `oauth_url`. It prints the token, or the error's class.
"""

import json
import sys

from sync_assets.ledger import Ledger
from sync_assets.oauth import OAuthError
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.upstreams.trakt import CLIENT_ID, CLIENT_SECRET

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    settings = TraktSettings.model_validate(
        {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "oauth_url": given["oauth_url"],
            "accounts": {"alice": {}},
        }
    )
    ledger = Ledger.open(given["ledger_url"])
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        keeper = token_keeper(ledger, given["key"].encode(), settings, "alice")
        print(keeper.access_token().get_secret_value())
    except OAuthError as error:
        print(type(error).__name__)
    ledger.close()
