"""Embedding models, each one typed description, and the space that a model, a dimension and a purpose span.

A second model is a second entry in `MODELS`: schema, dimensions, formats, limits and prices are all data here.
"""

import base64
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

MEBIBYTE = 1024**2

RequestBody = dict[str, Any]


@dataclass(frozen=True)
class ImageSource:
    """Where a model reads a picture: an S3 object, or the bytes themselves; `format` is the model's own name."""

    format: str
    uri: str | None = None
    bucket_owner: str | None = None
    data: bytes | None = None


@dataclass(frozen=True)
class EmbeddingModel:
    """What the pipeline has to know of a model: request, response, limits, quotas and prices.

    Sizes are in bytes, prices in US dollars. `formats` maps a file extension to the model's name of the format;
    `image_uri` gives the S3 URI of the picture that a body of `image_request` names.
    """

    model_id: str
    batch_regions: frozenset[str]
    dimensions: tuple[int, ...]
    formats: Mapping[str, str]
    index_purpose: str
    query_purpose: str
    max_image_bytes: int
    max_inline_image_bytes: int
    max_text_characters: int
    min_records_per_job: int
    max_records_per_job: int
    max_input_file_bytes: int
    max_live_jobs: int
    batch_price_per_image_usd: Decimal
    on_demand_price_per_image_usd: Decimal
    image_request: Callable[[ImageSource, int, str], RequestBody]
    text_request: Callable[[str, int, str], RequestBody]
    image_uri: Callable[[RequestBody], str]

    @property
    def slug(self) -> str:
        """The model id with only letters, digits, `-` and `.`, for paths and names."""
        return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in self.model_id)


@dataclass(frozen=True)
class EmbeddingSpace:
    """Vectors can be compared only within one space: model + dimension + purpose."""

    model: EmbeddingModel
    dimension: int

    @property
    def purpose(self) -> str:
        return self.model.index_purpose

    @property
    def slug(self) -> str:
        """Name of the space in table paths, metadata and fingerprints."""
        return f"{self.model.slug}--{self.dimension}--{self.purpose.lower().replace('_', '-')}"

    @property
    def default_index_name(self) -> str:
        """Name of the vector index of this space: 3 to 63 of `a-z 0-9 - .`, distinct for distinct spaces.

        Source: Amazon S3 user guide, "Vector index naming requirements".
        """
        digest = hashlib.sha256(self.slug.encode()).hexdigest()[:8]
        return f"{self.model.slug.lower()[:44].rstrip('-.')}-{self.dimension}-{digest}"

    def index_request(self, image: ImageSource) -> RequestBody:
        """Body of the request that embeds a picture for the index."""
        return self.model.image_request(image, self.dimension, self.purpose)

    def image_query(self, image: ImageSource) -> RequestBody:
        """Body of the request that embeds a picture to search with."""
        return self.model.image_request(image, self.dimension, self.model.query_purpose)

    def text_query(self, text: str) -> RequestBody:
        """Body of the request that embeds words to search with."""
        return self.model.text_request(text, self.dimension, self.model.query_purpose)


def embedding_space(model_id: str, dimension: int) -> EmbeddingSpace:
    """The space of a model id and a dimension that `settings` has validated."""
    return EmbeddingSpace(MODELS[model_id], dimension)


def equal_wave_records(records: int, *, maximum: int) -> int:
    """Size of the first of as few equal parts of at most `maximum` records as hold them all."""
    if records <= maximum:
        return records
    return math.ceil(records / math.ceil(records / maximum))


def _nova_request(modality: RequestBody, dimension: int, purpose: str) -> RequestBody:
    return {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {
            "embeddingPurpose": purpose,
            "embeddingDimension": dimension,
            **modality,
        },
    }


def _nova_image(image: ImageSource, dimension: int, purpose: str) -> RequestBody:
    source: RequestBody
    if image.data is not None:
        source = {"bytes": base64.b64encode(image.data).decode()}
    else:
        source = {"s3Location": {"uri": image.uri}}
        if image.bucket_owner is not None:
            source["s3Location"]["bucketOwner"] = image.bucket_owner
    part = {"detailLevel": "STANDARD_IMAGE", "format": image.format, "source": source}
    return _nova_request({"image": part}, dimension, purpose)


def _nova_image_uri(request: RequestBody) -> str:
    return str(request["singleEmbeddingParams"]["image"]["source"]["s3Location"]["uri"])


def _nova_text(text: str, dimension: int, purpose: str) -> RequestBody:
    return _nova_request({"text": {"truncationMode": "END", "value": text}}, dimension, purpose)


NOVA_MULTIMODAL = EmbeddingModel(
    # Schema and limits: Amazon Nova user guide, "Embeddings API schema". Quotas: AWS General Reference,
    # "Amazon Bedrock endpoints and quotas". Regions: Bedrock user guide, "Supported Regions for batch inference".
    model_id="amazon.nova-2-multimodal-embeddings-v1:0",
    batch_regions=frozenset({"us-east-1"}),
    dimensions=(256, 384, 1024, 3072),
    formats=MappingProxyType({"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "gif": "gif", "webp": "webp"}),
    index_purpose="GENERIC_INDEX",
    query_purpose="IMAGE_RETRIEVAL",
    max_image_bytes=50 * MEBIBYTE,
    # 25 MB is counted after base64, which writes 4 bytes for 3.
    max_inline_image_bytes=25_000_000 * 3 // 4,
    max_text_characters=8192,
    min_records_per_job=100,
    max_records_per_job=100_000,
    max_input_file_bytes=10**9,
    max_live_jobs=100,
    batch_price_per_image_usd=Decimal("0.00003"),
    on_demand_price_per_image_usd=Decimal("0.00006"),
    image_request=_nova_image,
    text_request=_nova_text,
    image_uri=_nova_image_uri,
)

MODELS: Mapping[str, EmbeddingModel] = MappingProxyType({NOVA_MULTIMODAL.model_id: NOVA_MULTIMODAL})
