import os
import stat

import pytest

from npcnn.checks import FileError
from npcnn.files import atomic_write, remove_leftovers


def test_writes_a_new_file(tmp_path):
    target = tmp_path / "new.bin"
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path
        assert not target.exists()
        temporary.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["new.bin"]


def test_replaces_an_old_file(tmp_path):
    target = tmp_path / "old.bin"
    target.write_bytes(b"old")
    with atomic_write(str(target)) as temporary:
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "old.bin"
    target.write_bytes(b"old")

    def fail():
        with atomic_write(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old.bin"]


def test_a_full_disk_is_a_file_error(tmp_path):
    target = tmp_path / "old.bin"
    target.write_bytes(b"old")

    def fail():
        with atomic_write(target):
            raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match=r"expected a writable place, got No space left on device"):
        fail()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old.bin"]


def test_a_rename_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "old.bin"
    target.write_bytes(b"old")

    def refuse(source, destination):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)

    def write():
        with atomic_write(target) as temporary:
            temporary.write_bytes(b"new")

    with pytest.raises(FileError, match="got Permission denied"):
        write()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old.bin"]


def write(target):
    with atomic_write(target) as temporary:
        temporary.write_bytes(b"x")


def test_a_missing_folder_and_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(FileError, match="expected a writable place, got No such file or directory"):
        write(tmp_path / "missing" / "file")
    with pytest.raises(FileError, match="expected a file name, got a folder; name a file in it"):
        write(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are a Unix thing")
def test_permissions(tmp_path):
    """A new file gets what the umask leaves, a replaced one keeps what it had."""
    before = os.umask(0o027)
    try:
        write(tmp_path / "new")
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
        (tmp_path / "old").write_bytes(b"")
        (tmp_path / "old").chmod(0o604)
        write(tmp_path / "old")
        assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_leftovers_of_a_killed_writer(tmp_path):
    kept = [tmp_path / name for name in ("run", ".run", ".other.1.part", "run[1]")]
    for path in kept:
        path.write_bytes(b"")
    (tmp_path / ".run.abc.part").write_bytes(b"half")
    (tmp_path / ".run[1].abc.part").write_bytes(b"half")
    remove_leftovers(tmp_path / "run")
    remove_leftovers(tmp_path / "run[1]")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
