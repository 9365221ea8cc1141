import pytest

from app.services.storage import FileStore, MissingFile, StorageFailed, file_store

NAME = "3f/3f" + "0" * 30 + ".png"


@pytest.fixture
def store(tmp_path) -> FileStore:
    return FileStore(tmp_path / "files")


def test_gives_back_what_was_put(store):
    name = store.put(b"pixels", ".png")
    assert store.get(name) == b"pixels"


def test_names_are_random_and_its_own(store):
    names = {store.put(b"the same", ".jpg") for _ in range(20)}
    assert len(names) == 20
    assert all(name.endswith(".jpg") and name[:2] == name[3:5] for name in names)


def test_nothing_but_the_file_is_left(store):
    store.put(b"pixels", ".png")
    assert [path.suffix for path in store.root.rglob("*") if path.is_file()] == [".png"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../x.png",
        "/etc/passwd",
        "3f/../../x.png",
        "3F/" + "0" * 32 + ".png",
        NAME + "\n",
        NAME + ".php",
        NAME[3:],
    ],
)
def test_refuses_names_that_are_not_its_own(name, store):
    for act in (store.get, store.delete):
        with pytest.raises(ValueError, match="not a name of this store"):
            act(name)


def test_refuses_other_suffixes(store):
    with pytest.raises(ValueError, match="not a name of this store"):
        store.put(b"<script>", ".html")
    assert not store.root.exists()


def test_a_missing_file_is_told_by_name(store):
    with pytest.raises(MissingFile, match="3f0"):
        store.get(NAME)


def test_deleting_twice_is_fine(store):
    name = store.put(b"pixels", ".png")
    store.delete(name)
    store.delete(name)
    with pytest.raises(MissingFile):
        store.get(name)


def test_an_unwritable_root_is_503_without_its_path(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageFailed) as failure:
        FileStore(tmp_path / "file").put(b"pixels", ".png")
    assert failure.value.status == 503
    assert str(tmp_path) not in failure.value.message


def test_a_full_disk_leaves_no_partial_file(store, monkeypatch):
    def fail(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.services.storage.os.fsync", fail)
    with pytest.raises(StorageFailed):
        store.put(b"pixels", ".png")
    assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_the_application_has_its_own(app):
    assert str(file_store().root) == app.config["FILES_ROOT"]
