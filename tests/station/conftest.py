import pytest


@pytest.fixture
def sample_pages(settings):
    """The URLs of the project with the pages of tests/station/pages.py added under /t/."""
    settings.ROOT_URLCONF = "tests.station.pages"
