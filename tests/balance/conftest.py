"""The same people and project as on the pages."""

from tests.pages.conftest import _no_kept_counts, alice, charlie, people, project, rita, server, vera

__all__ = ["_no_kept_counts", "alice", "charlie", "people", "project", "rita", "server", "vera"]
