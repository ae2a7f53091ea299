"""The one model that is served: Amazon Nova Multimodal Embeddings.

Source: "Complete embeddings request and response schema", Amazon Nova User Guide
(embeddings-schema), and the quotas table of Amazon Bedrock (general reference).
"""

import re

MODEL_ID = "amazon.nova-2-multimodal-embeddings-v1:0"
BATCH_REGIONS = ("us-east-1",)

SCHEMA_VERSION = "nova-multimodal-embed-v1"
DIMENSIONS = (256, 384, 1024, 3072)
DEFAULT_DIMENSION = 3072
PURPOSES = (
    "GENERIC_INDEX",
    "GENERIC_RETRIEVAL",
    "TEXT_RETRIEVAL",
    "IMAGE_RETRIEVAL",
    "VIDEO_RETRIEVAL",
    "DOCUMENT_RETRIEVAL",
    "AUDIO_RETRIEVAL",
    "CLASSIFICATION",
    "CLUSTERING",
)
MODALITIES = ("text", "image", "video", "audio")
IMAGE_FORMATS = ("png", "jpeg", "gif", "webp")
DETAIL_LEVELS = ("STANDARD_IMAGE", "DOCUMENT_IMAGE")
TRUNCATION_MODES = ("START", "END", "NONE")

INLINE_MAX_BYTES = 25 * 1024 * 1024  # after base64
IMAGE_MAX_BYTES = 50 * 1024 * 1024
TEXT_MAX_CHARACTERS = 8192
TEXT_OBJECT_MAX_BYTES = 1024 * 1024
TEXT_OBJECT_MAX_CHARACTERS = 50_000

JOB_MIN_RECORDS = 100
JOB_MAX_RECORDS = 100_000
INPUT_FILE_MAX_BYTES = 1024**3
JOB_MAX_BYTES = 100 * 1024**3

_MODEL_ARN = re.compile(r"arn:aws(?:-[^:]+)?:bedrock:([a-z0-9-]+)::foundation-model/(.+)")


def model_name(model_id: str) -> str:
    """Return the bare id of a model that is named by its id or its foundation-model ARN."""
    match = _MODEL_ARN.fullmatch(model_id)
    return match[2] if match else model_id
