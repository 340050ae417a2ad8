"""The suite itself runs on a PostgreSQL and a Redis of its own."""

from django.conf import settings

from curation.embedded import readiness


def test_the_suite_talks_to_servers_in_its_own_throw_away_folder(services):
    assert services.answer()
    assert "winnow-test-" in str(settings.PATHS.pg_socket_dir)
    with readiness.connect(settings.PATHS) as connection:
        folder = connection.execute("SHOW data_directory").fetchone()
    assert folder == (str(settings.PATHS.pg_data),)
