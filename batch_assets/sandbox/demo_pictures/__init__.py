"""Pictures to fill a bucket with: the package's own photographs varied, or a folder of the user's."""

from batch_assets.sandbox.demo_pictures.demo_object import DemoObject
from batch_assets.sandbox.demo_pictures.own_pictures import (
    FoundPictures,
    TooFewPicturesError,
    days_for,
    find_pictures,
    user_objects,
)
from batch_assets.sandbox.demo_pictures.uploading import UploadReport, upload
from batch_assets.sandbox.demo_pictures.variations import demo_objects

__all__ = [
    "DemoObject",
    "FoundPictures",
    "TooFewPicturesError",
    "UploadReport",
    "days_for",
    "demo_objects",
    "find_pictures",
    "upload",
    "user_objects",
]
