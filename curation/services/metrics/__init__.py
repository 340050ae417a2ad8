"""What a monitoring system asks for, read from the rows at the moment it asks: several processes give one answer."""

from curation.services.metrics.facts import families
from curation.services.metrics.text import Family, exposition

__all__ = ["Family", "exposition", "families"]
