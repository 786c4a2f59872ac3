"""Zip archives from elsewhere."""

import io
import stat
import struct
import zipfile

import pytest

from tasks.errors import ArchiveError
from tasks.storage import archives
from tasks.storage.archives import packed, unpacked


def archive(*entries, **settings):
    """Return an archive with these entries, names or ZipInfo, each of which holds ten bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **settings) as opened:
        for entry in entries:
            opened.writestr(entry, b"x" * 10)
    return buffer.getvalue()


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_equal_files_give_equal_bytes_and_come_back(tmp_path):
    files = {"b/c.txt": b"1" * 1000, "a": b"2", "pack": b"3" * 1000}
    content = packed(files, stored={"pack"})
    assert content == packed(dict(reversed(files.items())), stored={"pack"})
    assert len(content) > 1000
    (tmp_path / "x.zip").write_bytes(content)
    assert unpacked(tmp_path / "x.zip") == files


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive("../x"), "leads out of it"),
        (archive("a/../../x"), "leads out of it"),
        (archive("/etc/x"), "leads out of it"),
        (archive("a//x"), "leads out of it"),
        (archive("a\\..\\x"), "leads out of it"),
        (archive("C:x"), "leads out of it"),
        (archive("a\nb"), "leads out of it"),
        (archive("folder/"), "leads out of it"),
        (archive(link("x")), "leads out of it"),
        (archive("first", "other").replace(b"other", b"first"), "two files of one name"),
        (archive("a", "A"), "two files of one name"),
        (archive("a", "b", "c", "d"), "has more than 3 files"),
        (packed({"a": bytes(5000)}), "expands by more than 0 MiB"),
        (archive("a", compression=zipfile.ZIP_BZIP2), "compressed in a way that prprep does not use"),
        (archive("a")[:-30], "cannot be read: File is not a zip file"),
        (archive("a").replace(b"xxxxxxxxxx", b"xxxxxxxxxy"), "cannot be read: Bad CRC-32 for file 'a'"),
        (archive("a").replace(struct.pack("<L", 10), struct.pack("<L", 4)), "cannot be read: "),
        (b"", "cannot be read: File is not a zip file"),
        (b"PK\x03\x04" + bytes(100), "cannot be read: File is not a zip file"),
    ],
    # The bytes of an archive hold the time.
    ids=lambda value: value if isinstance(value, str) else "archive",
)
def test_what_prprep_would_not_write_is_one_message(tmp_path, monkeypatch, content, reason):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    monkeypatch.setattr(archives, "MOST_EXPANSION", 1000)
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ArchiveError) as raised:
        unpacked(tmp_path / "x.zip")
    assert raised.value.where == str(tmp_path / "x.zip")
    assert reason in raised.value.what


def test_a_file_that_cannot_be_opened_is_one_message(tmp_path):
    for path, reason in ((tmp_path / "none.zip", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ArchiveError, match=f"cannot be read: {reason}"):
            unpacked(path)
