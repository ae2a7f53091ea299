"""What a search is asked with: the vector of words, of a picture in any form, or of a picture that is loaded."""

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from batch_assets.bedrock.on_demand import Vector, embed_image, embed_text
from batch_assets.errors import SearchError
from batch_assets.notebook.deployment import Deployment
from batch_assets.storage.objects import S3Address, explained
from batch_assets.vectors.stored import stored_vector

Picture = str | Path | bytes | Image.Image
"""A file, an `s3://` URI, the bytes of a file, or a Pillow image."""


def described(picture: Picture) -> str:
    """What a picture is called where results are shown."""
    return "the picture" if isinstance(picture, bytes | Image.Image) else str(picture)


def text_vector(deployment: Deployment, text: str) -> Vector:
    """The vector of words. Raises `SearchError` if the model refuses them."""
    return embed_text(deployment.bedrock_runtime, deployment.settings.space, text)


def key_vector(deployment: Deployment, key: str) -> Vector:
    """The vector that the index has of a picture. Raises `SearchError` if it has none."""
    settings = deployment.settings
    index = settings.index_names.name_of_object(key)
    if index is None:
        raise SearchError(f"{key!r} lies under no partition of {settings.prefix_template}: name the whole S3 key")
    return stored_vector(deployment.s3vectors, bucket=settings.vector_bucket, index=index, key=key)


def picture_vector(deployment: Deployment, picture: Picture) -> Vector:
    """The vector of a picture. Raises `SearchError` for what cannot be read or the model refuses."""
    name, data = _file(deployment, picture)
    return embed_image(deployment.bedrock_runtime, deployment.settings.space, name=name, data=data)


def _file(deployment: Deployment, picture: Picture) -> tuple[str, bytes]:
    """Name, whose ending tells the format, and bytes."""
    if isinstance(picture, bytes):
        return f"picture.{_format(picture)}", picture
    if isinstance(picture, str) and picture.startswith("s3://"):
        return picture, _object(deployment, picture)
    if isinstance(picture, str | Path):
        return str(picture), _read(Path(picture))
    return _encoded(picture)


def _object(deployment: Deployment, uri: str) -> bytes:
    address = S3Address.parse(uri)
    with explained(uri):
        data: bytes = deployment.s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SearchError(f"{path} cannot be read: {error.strerror}") from error


def _format(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data)) as image:
            # Pillow's name of a JPEG that carries further pictures, as many cameras write it.
            return "jpeg" if image.format == "MPO" else str(image.format).lower()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise SearchError(f"the {len(data)} bytes are no picture: {error}") from error


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    """A Pillow image as a file: as JPEG, which is small, unless it is transparent."""
    file = io.BytesIO()
    if image.has_transparency_data:
        image.convert("RGBA").save(file, "PNG")
        return "picture.png", file.getvalue()
    image.convert("RGB").save(file, "JPEG", quality=95)
    return "picture.jpeg", file.getvalue()
