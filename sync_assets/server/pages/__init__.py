"""Pages for people: rendered on the server, without scripts, light and dark as the system is.

`rendering` fills the templates, all of which extend `base.html`; `style.css` is served from here.
A page of a domain is a router beside this package.
"""

from sync_assets.server.pages.rendering import page, router

__all__ = ["page", "router"]
