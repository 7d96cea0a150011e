"""The pages of people who are signed in, those of plugins among them. Imported by the first request that wants one of them."""

from __future__ import annotations

from starlette.routing import BaseRoute

from medianest_core.web.gate.services import Services
from medianest_core.web.portal.pages.account import AccountPages
from medianest_core.web.portal.pages.arrange import ArrangePages
from medianest_core.web.portal.pages.calendar import CalendarPages
from medianest_core.web.portal.pages.catalog_pictures import CatalogPictures
from medianest_core.web.portal.pages.discover import DiscoverPages
from medianest_core.web.portal.pages.downloads import DownloadPages
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.home import HomePages
from medianest_core.web.portal.pages.library import LibraryPages
from medianest_core.web.portal.pages.notification_channels import ChannelPages
from medianest_core.web.portal.pages.notifications import NotificationPages
from medianest_core.web.portal.pages.plugin_pages import PluginPages
from medianest_core.web.portal.pages.request_edit import RequestEditPages
from medianest_core.web.portal.pages.request_reports import ReportPages
from medianest_core.web.portal.pages.request_watchlist import WatchlistPages
from medianest_core.web.portal.pages.requests import RequestPages
from medianest_core.web.portal.pages.saved import SavedPages
from medianest_core.web.portal.pages.search import SearchPages
from medianest_core.web.portal.pages.setup import SetupPages
from medianest_core.web.portal.pages.status import StatusPages
from medianest_core.web.portal.pages.subscriptions import SubscriptionPages
from medianest_core.web.portal.pages.title_asks import ReportFormPages
from medianest_core.web.portal.pages.title_why import TitleWhyPages


def routes(frame: Frame, services: Services) -> list[BaseRoute]:
    """Where two would fit an address the first has it."""
    plugins = PluginPages(frame, services)
    home = HomePages(frame, plugins)
    families = (
        home,
        SetupPages(frame),
        ArrangePages(frame, home.cards),
        LibraryPages(frame, plugins),
        ReportFormPages(frame),
        TitleWhyPages(frame),
        DiscoverPages(frame),
        SubscriptionPages(frame),
        DownloadPages(frame),
        ReportPages(frame),
        WatchlistPages(frame),
        RequestEditPages(frame),
        RequestPages(frame),
        StatusPages(frame),
        NotificationPages(frame),
        ChannelPages(frame),
        AccountPages(frame),
        SearchPages(frame),
        SavedPages(frame),
        CalendarPages(frame),
        CatalogPictures(frame),
        plugins,
    )
    return [route for family in families for route in family.routes()]
