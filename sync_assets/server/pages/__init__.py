"""Pages for people: rendered on the server, with htmx for parts that change by themselves.

A page of a domain is a router beside this package. Its routes take a `PageUser` or a
`PageAdministrator`, and answer with `page`, `fragment` (a part, for htmx) or `see_other` (after a
form). Its template extends `base.html` and uses the macros of `components.html`. Its entry in
`navigation` puts it into the header. Where htmx replaces a part of a page, whatever can have the
focus in there has an `id`: htmx then gives the focus back.
"""

from sync_assets.server.pages.access import PageAdministrator, PageUser, require_page_scope
from sync_assets.server.pages.errors import error_page
from sync_assets.server.pages.navigation import navigation
from sync_assets.server.pages.rendering import fragment, page, see_other

__all__ = [
    "PageAdministrator",
    "PageUser",
    "error_page",
    "fragment",
    "navigation",
    "page",
    "require_page_scope",
    "see_other",
]
