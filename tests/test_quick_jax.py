"""What one run of the tests keeps of what JAX compiled, and the next one takes."""

import os
import threading

import quick_jax


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def filled(folder, **files):
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}-cache").write_bytes(content)
    return folder


def test_what_a_run_compiled_the_next_one_finds(tmp_path):
    shelf, first = tmp_path / "cache" / "jax", filled(tmp_path / "first", a=b"1", b=b"2")
    (first / "a-atime").write_bytes(b"JAX's own")
    quick_jax.keep(first, shelf)
    second = filled(tmp_path / "second", c=b"3")
    quick_jax.take(shelf, second)
    assert names(shelf) == ["a-cache", "b-cache"]
    assert names(second) == ["a-cache", "b-cache", "c-cache"]
    assert (second / "b-cache").read_bytes() == b"2"
    quick_jax.keep(second, shelf)
    assert names(shelf) == ["a-cache", "b-cache", "c-cache"]


def test_a_run_s_own_folder_does_not_change_what_is_kept(tmp_path):
    shelf = filled(tmp_path / "shelf", a=b"whole")
    quick_jax.keep(filled(tmp_path / "run", a=b"other"), shelf)
    assert (shelf / "a-cache").read_bytes() == b"whole"
    taken = filled(tmp_path / "taken")
    quick_jax.take(shelf, taken)
    (taken / "a-cache").unlink()
    assert (shelf / "a-cache").read_bytes() == b"whole"


def test_runs_that_end_at_once_keep_whole_files(tmp_path):
    runs = [filled(tmp_path / f"run{k}", **{f"x{i}": b"n" * 999 for i in range(50)}) for k in "abc"]
    threads = [threading.Thread(target=quick_jax.keep, args=(run, tmp_path / "s")) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(tmp_path / "s")) == 50
    assert {path.stat().st_size for path in (tmp_path / "s").iterdir()} == {999}


def test_too_much_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_jax, "MOST", 2)
    shelf = filled(tmp_path / "shelf", a=b"1", b=b"2", c=b"3")
    quick_jax.keep(filled(tmp_path / "run", d=b"4"), shelf)
    assert not shelf.exists()


def test_without_a_place_nothing_is_kept(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    run = filled(tmp_path / "run", a=b"1")
    quick_jax.keep(run, tmp_path / "file" / "shelf")
    quick_jax.take(tmp_path / "file" / "shelf", run)
    assert names(run) == ["a-cache"]


def test_the_shelf_is_one_for_each_processor_and_version(monkeypatch):
    if quick_jax.shelf() is None or not os.path.exists("/proc/cpuinfo"):
        return
    monkeypatch.setattr(quick_jax.importlib.metadata, "version", lambda name: "0.0.1")
    first = quick_jax.shelf()
    monkeypatch.setattr(quick_jax.importlib.metadata, "version", lambda name: "0.0.2")
    assert first != quick_jax.shelf()
