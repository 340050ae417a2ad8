"""The one language in which browser, REST and commands say which assets they mean. See docs/query.md."""

from curation.services.asset_query.filters import matching
from curation.services.asset_query.grammar import Between, Query, QueryError, Term, Value
from curation.services.asset_query.parser import parse

__all__ = ["Between", "Query", "QueryError", "Term", "Value", "matching", "parse"]
