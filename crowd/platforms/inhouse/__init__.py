"""People we invite ourselves: they work in the browser, on our own pages."""

from dataclasses import replace

from crowd.platforms.local import LocalMarket


class InHouse(LocalMarket):
    """The local market, whose people read what they are written on their own page."""

    capabilities = replace(LocalMarket.capabilities, messages=True)
