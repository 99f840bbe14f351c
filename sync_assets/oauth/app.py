"""An app that is registered with a provider: leading users there, and exchanging what comes back.

Source: RFC 6749, sections 4.1 (authorization code), 6 (refreshing), and RFC 7009 (revoking).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pydantic import SecretStr

from sync_assets.oauth import http
from sync_assets.oauth.tokens import TokenSet


@dataclass(frozen=True)
class OAuthApp:
    """An app, and where its provider is.

    Attributes:
        provider: What messages call the provider.
        client_id: The app's.
        client_secret: The app's.
        redirect_uri: Where the provider leads browsers back to; registered with it.
        authorize_url: Where users agree.
        token_url: Where codes and refresh tokens are exchanged.
        revoke_url: Where tokens are made useless; None where the provider has no such place.
        headers: Further headers of every request.
        is_form: Whether the provider takes forms rather than JSON.
    """

    provider: str
    client_id: str
    client_secret: SecretStr
    redirect_uri: str
    authorize_url: str
    token_url: str
    revoke_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_form: bool = False

    def authorization_url(self, state: str) -> str:
        """Return where the user's browser goes to agree.

        Args:
            state: Comes back with the answer.
        """
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": state,
        }
        return f"{self.authorize_url}?{urlencode(query)}"

    def exchange_code(self, code: str) -> TokenSet:
        """Exchange the code that came back to the redirect address.

        Raises:
            OAuthError: The provider refuses it, or cannot be asked.
        """
        return self._tokens({"code": code, "grant_type": "authorization_code"})

    def refresh(self, refresh_token: SecretStr) -> TokenSet:
        """Exchange a refresh token, which can be used once.

        Raises:
            OAuthError: The provider refuses it, or cannot be asked.
        """
        token = refresh_token.get_secret_value()
        return self._tokens({"refresh_token": token, "grant_type": "refresh_token"})

    def revoke(self, token: SecretStr) -> bool:
        """Make a token useless.

        Returns:
            Whether the provider has a way to do so; without one, the token ends by itself.

        Raises:
            OAuthError: The provider cannot be asked.
        """
        if self.revoke_url is None:
            return False
        fields = {"token": token.get_secret_value(), **self.credentials}
        http.post(
            self.revoke_url,
            fields,
            provider=self.provider,
            headers=self.headers,
            is_form=self.is_form,
        )
        return True

    @property
    def credentials(self) -> dict[str, str]:
        """What says which app is asking; secret."""
        secret = self.client_secret.get_secret_value()
        return {"client_id": self.client_id, "client_secret": secret}

    def _tokens(self, grant: Mapping[str, str]) -> TokenSet:
        fields = {**grant, **self.credentials, "redirect_uri": self.redirect_uri}
        return http.request_tokens(
            self.token_url,
            fields,
            provider=self.provider,
            headers=self.headers,
            is_form=self.is_form,
        )
