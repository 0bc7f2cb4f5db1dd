"""Put a file on S3: in parts, each with its checksum, resumed when cut off, then verified."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from latentcore.errors import StorageError
from latentcore.progress import Progress
from latentcore.storage._upload_notes import UploadNote
from latentcore.storage.checksums import composite_md5, file_digest
from latentcore.storage.locations import S3Location
from latentcore.storage.objects import ObjectVersion, ask_version
from latentcore.storage.s3 import client, in_plain_words, persistently

# S3 takes parts of 5 MiB to 5 GiB, at most 10,000 of them.
_PART = 16 << 20
_MOST_PARTS = 10_000


def upload(
    path: Path, location: S3Location, progress: Progress | None = None, *, note: str = ""
) -> ObjectVersion:
    """Upload a file, unless the object holds the same content already.

    Parameters
    ----------
    location : S3Location
        Where to; an object that is there is replaced when all has arrived, not before.
    progress : Progress, optional
        Counts the bytes. What a cancelled or killed upload has sent is used by the next one.
    note : str
        Kept beside the content (`ObjectVersion.note`); plain ASCII.

    Returns
    -------
    ObjectVersion
        What is there now; its length and checksum are those of the file.

    Raises
    ------
    StorageError
        If it can't be written, or what arrived differs.
    """
    progress = progress or Progress()
    digest = file_digest(path, hashlib.sha256)
    present = uploaded(location, progress)
    metadata = {"sha256": digest, **({"note": note} if note else {})}
    with in_plain_words(location):
        if present is not None and (present.sha256, present.note) == (digest, note):
            _note_of(location, metadata).remove()  # a kill may have come just before
            return present
        if path.stat().st_size <= _PART:
            _put(path, location, metadata, progress)
        else:
            _put_in_parts(path, location, metadata, progress)
        return _verified(path, location, digest, progress)


def uploaded(location: S3Location, progress: Progress) -> ObjectVersion | None:
    """Return what lies at a location, None where nothing does.

    Raises
    ------
    StorageError
        If the service can't be asked.
    """
    with in_plain_words(location):
        return persistently(lambda: _present(location), progress)


def _present(location: S3Location) -> ObjectVersion | None:
    try:
        return ask_version(location)
    except StorageError:
        return None  # a missing bucket is found out by writing


def _put(path: Path, location: S3Location, metadata: dict[str, str], progress: Progress) -> None:
    content = path.read_bytes()
    put = partial(
        client().put_object,
        Bucket=location.bucket,
        Key=location.key,
        Body=content,
        ContentMD5=_base64_md5(content),
        Metadata=metadata,
    )
    persistently(put, progress)
    progress.step(len(content), len(content), f"uploading {path.name}")


def _put_in_parts(
    path: Path, location: S3Location, metadata: dict[str, str], progress: Progress
) -> None:
    digest = metadata["sha256"]
    with _note_of(location, metadata) as note:
        place = {"Bucket": location.bucket, "Key": location.key}
        upload_id, sent = persistently(lambda: _begun(place, note, metadata), progress)
        tags = []
        done, size = 0, path.stat().st_size
        for number, content in enumerate(_parts(path), start=1):
            tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if sent.get(number) != tag:
                put = partial(
                    client().upload_part,
                    **place,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=content,
                    ContentMD5=_base64_md5(content),
                )
                persistently(put, progress)
            tags.append({"PartNumber": number, "ETag": f'"{tag}"'})
            done += len(content)
            progress.step(done, size, f"uploading {path.name}")
        complete = partial(
            _complete, place, UploadId=upload_id, MultipartUpload={"Parts": tags}, digest=digest
        )
        persistently(complete, progress)
        note.remove()


def _note_of(location: S3Location, metadata: dict[str, str]) -> UploadNote:
    return UploadNote(location, " ".join(metadata.values()))


def _begun(
    place: dict[str, str], note: UploadNote, metadata: dict[str, str]
) -> tuple[str, dict[int, str]]:
    """Return the id of this content's upload, and the MD5 of each part that it has already."""
    from botocore.exceptions import ClientError

    if note.upload_id:
        try:
            pages = client().get_paginator("list_parts").paginate(**place, UploadId=note.upload_id)
            return note.upload_id, {
                part["PartNumber"]: part["ETag"].strip('"')
                for page in pages
                for part in page.get("Parts", ())
            }
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise
    upload_id = _unanswered(place) if note.beginning else None
    if upload_id is None:
        note.begin()
        upload_id = client().create_multipart_upload(**place, Metadata=metadata)["UploadId"]
    note.write(upload_id)
    return upload_id, {}


def _unanswered(place: dict[str, str]) -> str | None:
    """Return the upload that was killed before it heard its id, if the service has begun it.

    It has no parts yet. One of somebody else to the same place that has none either can't be told
    from it, and would be found out by the checksum at the end.
    """
    from botocore.exceptions import ClientError

    asked = {"Bucket": place["Bucket"], "Prefix": place["Key"]}
    try:
        for page in client().get_paginator("list_multipart_uploads").paginate(**asked):
            for one in page.get("Uploads", ()):
                upload_id = str(one["UploadId"])
                if one["Key"] == place["Key"] and not (
                    client().list_parts(**place, UploadId=upload_id, MaxParts=1).get("Parts")
                ):
                    return upload_id
    except ClientError:  # such a list may be forbidden: then a rule of the bucket removes it
        return None
    return None


def _complete(place: dict[str, str], *, digest: str, **asked: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        client().complete_multipart_upload(**place, **asked)
    except ClientError as error:
        # The answer to an earlier attempt may have been lost on the way.
        if error.response["Error"]["Code"] != "NoSuchUpload":
            raise
        if ask_version(S3Location(place["Bucket"], place["Key"])).sha256 != digest:
            raise


def _verified(path: Path, location: S3Location, digest: str, progress: Progress) -> ObjectVersion:
    found = persistently(lambda: ask_version(location), progress)
    size = path.stat().st_size
    same = found.size == size and found.sha256 == digest
    if same and not found.encrypted:
        in_parts = size > _PART
        same = found.etag == (
            composite_md5(path, _part_size(size)) if in_parts else file_digest(path, hashlib.md5)
        )
    if not same:
        message = (
            f"{location} differs from {path.name!r} after the upload: {found.size:,} of {size:,} "
            "bytes, or another checksum. Perhaps somebody else wrote it meanwhile; try again."
        )
        raise StorageError(message)
    return found


def _parts(path: Path) -> Iterator[bytes]:
    step = _part_size(path.stat().st_size)
    with path.open("rb") as file:
        while content := file.read(step):
            yield content


def _part_size(size: int) -> int:
    return max(_PART, -(-size // _MOST_PARTS))


def _base64_md5(content: bytes) -> str:
    """Return the checksum by which the service refuses a part that was damaged on the way."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
