import errno
import os
import stat
import subprocess
import sys

import pytest

import npcnn
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


KILLED = """
import os, sys
from npcnn.files import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    print(flush=True)
    if sys.argv[2] == "die":
        os._exit(9)
    sys.stdin.read()
    temporary.write_bytes(b"whole")
"""


def writer(target, then):
    """Return a process that stands in the middle of a write, or has just died there."""
    command = [sys.executable, "-c", KILLED, str(target), then]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def test_leftovers_of_a_killed_writer_go_whoever_writes_next(tmp_path):
    kept = [tmp_path / name for name in ("run", ".run", ".other.1.part", "x.npcnn.part")]
    for path in kept:
        path.write_bytes(b"")
    for name in ("run", "first", "run[1]"):
        with writer(tmp_path / name, "die") as process:
            process.wait()
    assert len(list(tmp_path.glob(".*.npcnn.part"))) == 1  # each removed those before it
    write(tmp_path / "new")
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "new"])


@pytest.mark.skipif(os.name == "nt", reason="no locks; a day is waited there")
def test_a_living_writers_temporary_stays(tmp_path):
    """A run that goes on beside another, or begins, does not take away what that one writes."""
    target = tmp_path / "run"
    with writer(target, "live") as process:
        remove_leftovers(tmp_path)
        write(target)
        assert target.read_bytes() == b"x"
        process.communicate(b"")
        assert process.returncode == 0
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="locks are a Unix thing")
def test_without_locks_only_old_temporaries_go(tmp_path, monkeypatch):
    import fcntl

    def refuse(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    old, new = tmp_path / ".a.1.npcnn.part", tmp_path / ".b.1.npcnn.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    write(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [new.name, "file"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_through_a_link_its_target_is_written(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real/file")
    for content in (b"x", b"x"):  # first it points nowhere
        write(link)
        assert link.is_symlink()
        assert (tmp_path / "real" / "file").read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    with pytest.raises(FileError, match="got a link in a circle"):
        write(circle)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="got a device, pipe or socket"):
        write(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["n" * 255, "层" * 85])
def test_names_as_long_as_the_system_bears(tmp_path, name):
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    with pytest.raises(FileError, match="a writable place"):
        write(tmp_path / (name + "n"))


PATHS = ["model.save({})", "model.save({}, overwrite=False)", "model.save_weights({})",
         "model.load_weights({})", "npcnn.load_model({})", "npcnn.load_recording({})",
         "npcnn.Recorder({})", "npcnn.callbacks.ModelCheckpoint({})",
         "model.fit([[1.0]], [[1.0]], resume_from={})"]  # fmt: skip


@pytest.mark.parametrize("call", PATHS)
@pytest.mark.parametrize("path", ["1", "'a\\0.keras'"])
def test_no_call_takes_a_number_for_a_path_or_closes_what_it_stands_for(call, path):
    """In a process of its own: 1 is where it prints."""
    code = f"""
import npcnn
model = npcnn.Sequential([npcnn.layers.Input((1,)), npcnn.layers.Dense(1, activation="softmax")])
model.compile("sgd", "categorical_crossentropy")
try:
    {call.format(path)}
except npcnn.checks.ArgumentError as error:
    print("refused", error, flush=True)
"""
    environment = {**os.environ, "NPCNN_BACKEND": "numpy"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "expected a path, got" in done.stdout


READERS = ["npcnn.load_model(path)", "model.load_weights(path)", "npcnn.load_recording(path)",
           "model.fit([[1.0]], [[1.0]], verbose=0, resume_from=path)"]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are a Unix thing")
@pytest.mark.parametrize("call", READERS)
@pytest.mark.parametrize("kind", ["pipe", "folder", "none", "memory"])
def test_what_is_no_file_or_cannot_be_read_is_a_file_error(tmp_path, monkeypatch, call, kind):
    path = tmp_path / "x.keras"
    model = npcnn.Sequential([npcnn.layers.Input((1,)), npcnn.layers.Dense(1)])
    model.compile("sgd", "categorical_crossentropy")
    if kind == "pipe":
        os.mkfifo(path)  # to open it would wait for a writer
    elif kind == "folder":
        path.mkdir()
    elif kind == "memory":

        def fail(*_):
            raise MemoryError

        model.save(path)
        monkeypatch.setattr("npcnn.saving.zip_safe.Archive.read", fail)
        monkeypatch.setattr("npcnn.inspection.recording._arrays", fail)
    with pytest.raises(FileError) as caught:
        eval(call, {"npcnn": npcnn, "model": model, "path": path})
    words = {"pipe": "a device, pipe or socket", "folder": "a folder", "none": "No such file",
             "memory": "MemoryError"}  # fmt: skip
    assert words[kind] in str(caught.value)
    assert "\n" not in str(caught.value)
