"""The published pictures of the doors, and more people of the crowd."""

from tests.doors.conftest import alice, project

__all__ = ["alice", "project"]
