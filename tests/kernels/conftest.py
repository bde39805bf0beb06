import pytest


@pytest.fixture
def with_threads():
    """Return a function that sets the number of threads for the rest of the test."""
    from npcnn import threads

    before = threads.get_num_threads()
    yield threads.set_num_threads
    threads.set_num_threads(before)
