"""People we invite ourselves: they work in the browser, on our own pages."""

from crowd.platforms.local import LocalMarket


class InHouse(LocalMarket):
    """The local market as it is."""
