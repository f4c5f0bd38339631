"""Where results lie: a folder, or any place that pyarrow or fsspec can reach, such as s3://bucket/prefix.

Whatever is written is there whole or not at all: in a folder aside, synced and renamed; elsewhere an object appears when it is
complete. Paths are relative to the place, with slashes.
"""

import errno
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO
from uuid import uuid4

from sim.errors import RequestError, first_line

ASIDE = ".writing"  # how names of files end that are being written
ARROW = ("abfs", "abfss", "file", "gcs", "gs", "hdfs", "s3", "viewfs")  # what pyarrow reaches by itself
# what pyarrow asks of a file system of fsspec's
ASKED = (
    *("get_file_info", "get_file_info_selector", "create_dir", "delete_dir", "delete_dir_contents", "delete_file", "move"),
    *("copy_file", "open_input_stream", "open_input_file", "open_output_stream", "open_append_stream"),
)
SPOOL = 64 << 20  # bytes of a remote file that are collected in memory, before a temporary file is taken


class Place(ABC):
    """The root of results."""

    text: str  # as the user calls it
    folder: Path | None = None  # where it is one

    @abstractmethod
    def writing(self, path: str) -> Any:
        """A context with a binary file to write; it gets its name when the context ends well, else nothing is left."""

    @abstractmethod
    def reading(self, path: str) -> Any:
        """A pyarrow file to read, which can seek. Raises FileNotFoundError."""

    @abstractmethod
    def sizes(self, folder: str, *, deep: bool = False) -> dict[str, int]:
        """The files of a folder (deep: also of those below) with their bytes, by path; none if there is no such folder."""

    @abstractmethod
    def folders(self, folder: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""

    @abstractmethod
    def changed(self, path: str) -> float | None:
        """When a file was last written, in seconds since 1970; None if there is none."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def delete_folder(self, path: str) -> None:
        """Remove a folder with all that is in it."""

    def write(self, path: str, data: bytes) -> None:
        with self.writing(path) as file:
            file.write(data)

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError."""
        with self.reading(path) as file:
            return file.read()

    def exists(self, path: str) -> bool:
        return self.changed(path) is not None

    def where(self, path: str) -> str:
        """A path as a person would call it."""
        return f"{self.text.rstrip('/') or '/'}/{path}".replace("//", "/") if self.folder else f"{self.text.rstrip('/')}/{path}"


class Folder(Place):
    """A folder of this machine's, or one that it shares with others."""

    def __init__(self, text: str) -> None:
        self.text, self.folder = text, Path(text)
        self.root = Path(text)

    @contextmanager
    def writing(self, path: str) -> Generator[BinaryIO, None, None]:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{uuid4().hex[:12]}{ASIDE}")
        try:
            with aside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
        sync(target.parent)

    def reading(self, path: str) -> Any:
        import pyarrow as pa

        return pa.OSFile(str(self.root / path), "rb")

    def sizes(self, folder: str, *, deep: bool = False) -> dict[str, int]:
        found: dict[str, int] = {}
        todo = [folder]
        while todo:
            here = todo.pop()
            try:
                with os.scandir(self.root / here) as entries:
                    for entry in entries:
                        path = f"{here}/{entry.name}" if here else entry.name
                        try:
                            if entry.is_dir(follow_symlinks=False):
                                todo += [path] if deep else []
                            else:
                                found[path] = entry.stat().st_size
                        except OSError as error:
                            if error.errno not in (errno.ENOENT, errno.ELOOP):
                                raise
                            continue  # another process has just removed it, or it is a link to itself
            except (FileNotFoundError, NotADirectoryError):
                continue
        return found

    def folders(self, folder: str) -> list[str]:
        try:
            return sorted(path.name for path in (self.root / folder).iterdir() if path.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def changed(self, path: str) -> float | None:
        try:
            return (self.root / path).stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def delete_folder(self, path: str) -> None:
        shutil.rmtree(self.root / path, ignore_errors=True)


class Remote(Place):
    """A place behind a URL: what pyarrow reaches by itself (s3, gs, abfss, hdfs), and what fsspec does, if it is installed."""

    def __init__(self, text: str, files: Any, base: str) -> None:
        self.text, self.files, self.base = text, files, base

    def at(self, path: str) -> str:
        return f"{self.base}/{path}" if path else self.base

    @contextmanager
    def writing(self, path: str) -> Generator[Any, None, None]:
        # collected here first: an upload that is given up half-way would still become an object
        with SpooledTemporaryFile(max_size=SPOOL) as held:
            yield held
            held.seek(0)
            # so would one that Ctrl-C breaks off, and that reaches this thread only
            with ThreadPoolExecutor(max_workers=1) as aside:
                aside.submit(self.upload, held, self.at(path)).result()

    def upload(self, held: Any, path: str) -> None:
        if path.startswith("/"):  # no bucket: a file system with real folders
            self.files.create_dir(path.rpartition("/")[0])
        with self.files.open_output_stream(path) as file:
            shutil.copyfileobj(held, file, 1 << 20)

    def reading(self, path: str) -> Any:
        return self.files.open_input_file(self.at(path))

    def _infos(self, folder: str, deep: bool) -> list[Any]:
        from pyarrow.fs import FileSelector

        return self.files.get_file_info(FileSelector(self.at(folder), recursive=deep, allow_not_found=True))

    def sizes(self, folder: str, *, deep: bool = False) -> dict[str, int]:
        return {info.path[len(self.base) + 1 :]: info.size for info in self._infos(folder, deep) if info.is_file}

    def folders(self, folder: str) -> list[str]:
        from pyarrow.fs import FileType

        return sorted(info.base_name for info in self._infos(folder, deep=False) if info.type == FileType.Directory)

    def changed(self, path: str) -> float | None:
        info = self.files.get_file_info(self.at(path))
        if not info.is_file:
            return None
        return info.mtime.timestamp() if info.mtime else 0.0

    def delete(self, path: str) -> None:
        try:
            self.files.delete_file(self.at(path))
        except FileNotFoundError:
            return

    def delete_folder(self, path: str) -> None:
        for name in self.sizes(path, deep=True):
            self.delete(name)


def place(results: str) -> Place:
    """The root of results of that name.

    Raises:
        RequestError: if it is a URL that cannot be reached, of a bucket that is not there, or of an unknown kind.
    """
    if "\0" in results:
        raise RequestError(f"results = {results!r}: no place has such a name")
    if "://" not in results:
        return Folder(results)
    from pyarrow import fs

    files, base = filesystem(results)
    return Folder(base) if isinstance(files, fs.LocalFileSystem) else Remote(results, files, base)


def filesystem(url: str) -> tuple[Any, str]:
    """A pyarrow filesystem and the path in it, whose bucket is there."""
    import pyarrow as pa
    from pyarrow import fs

    scheme = url.partition("://")[0]
    try:
        files, base = fs.FileSystem.from_uri(url) if scheme in ARROW else by_fsspec(url)
        bucket = base.partition("/")[0]  # none where there are real folders
        found = files.get_file_info(bucket or base) if scheme and base.strip("/") else None
    except (pa.ArrowException, ImportError, OSError, ValueError) as error:
        raise RequestError(f"results = {url!r}: cannot be reached: {first_line(error)}") from None
    if found is None:
        raise RequestError(f"results = {url!r}: expected a bucket, such as s3://bucket/results")
    if bucket and found.type == fs.FileType.NotFound:
        raise RequestError(f"results = {url!r}: there is no bucket {bucket!r}")
    return files, base.rstrip("/")


def by_fsspec(url: str) -> tuple[Any, str]:
    """What fsspec has for a URL.

    Raises:
        OSError: whatever it complains of; each of its file systems has complaints of its own.
    """
    from fsspec.core import url_to_fs
    from pyarrow import fs

    with complaining():
        found, base = url_to_fs(url)
    return fs.PyFileSystem(handler(found)), base


def handler(files: Any) -> Any:
    """How pyarrow reaches a file system of fsspec, with all that it raises as an OSError."""
    from pyarrow.fs import FSSpecHandler

    class Foreign(FSSpecHandler):
        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if name not in ASKED:
                return found

            def asked(*words: Any) -> Any:
                with complaining():
                    return found(*words)

            return asked

    return Foreign(files)


@contextmanager
def complaining() -> Generator[None, None, None]:
    """Whatever foreign code raises, as an OSError: what a caller of a file system is ready for."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        plain = isinstance(error, ImportError | ValueError)  # written for people
        raise OSError(str(error) if plain else f"{type(error).__name__}: {error}") from error


def sync(folder: Path) -> None:
    """Have a folder's entries on the disk itself, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
