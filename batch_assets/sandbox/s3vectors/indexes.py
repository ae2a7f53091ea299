"""Operations on vector indexes."""

from typing import Any

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3vectors import limits
from batch_assets.sandbox.s3vectors.buckets import check_mode, checked_encryption, checked_tags, with_token
from batch_assets.sandbox.s3vectors.matrix import VectorMatrix
from batch_assets.sandbox.s3vectors.names import check_index_name, index_not_found
from batch_assets.sandbox.s3vectors.pages import name_page
from batch_assets.sandbox.s3vectors.store import Bucket, Index, Store

_LIST_DEFAULT = 500
_TEXT_SEARCH_MAX = 10


class IndexOperations:
    """Vector indexes: what CreateIndex settles stays, but for tags, mode and text search."""

    _store: Store

    def create_index(self, members: dict[str, Any]) -> dict[str, Any]:
        """Make an empty index in a vector bucket."""
        check_index_name(members["indexName"])
        tags = checked_tags({}, members.get("tags") or {})
        encryption = checked_encryption(members.get("encryptionConfiguration"))
        with self._store.bucket(_bucket_members(members)) as bucket:
            name = members["indexName"]
            if name in bucket.indexes:
                raise ModelledError("ConflictException", "An index with the specified name already exists")
            if len(bucket.indexes) >= limits.INDEXES_PER_VECTOR_BUCKET:
                raise ModelledError(
                    "ServiceQuotaExceededException", "The maximum number of indexes in this bucket is reached"
                )
            index = self._new_index(bucket, members, tags=tags, encryption=encryption or bucket.encryption)
            bucket.indexes[name] = index
        return {"indexArn": index.arn}

    def get_index(self, members: dict[str, Any]) -> dict[str, Any]:
        """Describe an index."""
        index = self._store.index(members)
        with index.lock:
            description = _summary(index) | {
                "dataType": "float32",
                "dimension": index.dimension,
                "distanceMetric": index.distance_metric,
                "encryptionConfiguration": index.encryption,
                "indexMode": index.mode,
            }
            if configuration := _metadata_configuration(index):
                description["metadataConfiguration"] = configuration
        return {"index": description}

    def list_indexes(self, members: dict[str, Any]) -> dict[str, Any]:
        """List the indexes of a vector bucket by name, up to 500 a page."""
        with self._store.bucket(_bucket_members(members)) as bucket:
            page, token = name_page(
                bucket.indexes,
                prefix=members.get("prefix") or "",
                token=members.get("nextToken"),
                page_size=members.get("maxResults") or _LIST_DEFAULT,
            )
        return with_token({"indexes": [_summary(index) for index in page]}, token)

    def delete_index(self, members: dict[str, Any]) -> dict[str, Any]:
        """Remove an index with its vectors."""
        with self._store.buckets() as buckets:
            index = self._store.index(members)
            bucket = buckets.get(index.bucket_name)
            if bucket is None or bucket.indexes.pop(index.name, None) is None:
                raise index_not_found()
        return {}

    def update_index_mode(self, members: dict[str, Any]) -> dict[str, Any]:
        """Change the mode of an index: ENHANCED always, CLASSIC in old buckets alone."""
        with self._store.buckets() as buckets:
            index = self._store.index(members)
            check_mode(buckets[index.bucket_name], members["indexMode"])
            index.mode = members["indexMode"]
        return {}

    def update_metadata_configuration(self, members: dict[str, Any]) -> dict[str, Any]:
        """Add or delete text search configurations, which are kept but never searched."""
        index = self._store.index(members)
        added, deleted = members.get("add"), members.get("delete")
        if (added is None) == (deleted is None):
            raise validation_error("Must specify either add or delete, but not both")
        with index.lock:
            if index.mode != "ENHANCED":
                raise validation_error("Text search requires an index in ENHANCED mode")
            changed = dict(index.text_search)
            changed.update(_text_search(added or {}))
            for entry in (deleted or {}).get("textSearchConfigurations") or []:
                changed.pop(entry["metadataKey"], None)
            if len(changed) > _TEXT_SEARCH_MAX:
                raise validation_error(f"An index can have at most {_TEXT_SEARCH_MAX} searchable keys")
            index.text_search = changed
        return {"indexArn": index.arn}

    def _new_index(
        self, bucket: Bucket, members: dict[str, Any], *, tags: dict[str, str], encryption: dict[str, str]
    ) -> Index:
        configuration = members.get("metadataConfiguration") or {}
        return Index(
            bucket_name=bucket.name,
            name=members["indexName"],
            arn=self._store.naming.index_arn(bucket.name, members["indexName"]),
            created=self._store.clock(),
            dimension=members["dimension"],
            distance_metric=members["distanceMetric"],
            encryption=encryption,
            mode=bucket.default_mode,
            tags=tags,
            non_filterable=tuple(configuration.get("nonFilterableMetadataKeys") or ()),
            matrix=VectorMatrix(members["dimension"]),
            rate=self._store.new_rate(),
            text_search=_text_search(configuration),
        )


def _bucket_members(members: dict[str, Any]) -> dict[str, Any]:
    return {key: members.get(key) for key in ("vectorBucketName", "vectorBucketArn")}


def _summary(index: Index) -> dict[str, Any]:
    return {
        "vectorBucketName": index.bucket_name,
        "indexName": index.name,
        "indexArn": index.arn,
        "creationTime": index.created,
    }


def _metadata_configuration(index: Index) -> dict[str, Any]:
    configuration: dict[str, Any] = {}
    if index.non_filterable:
        configuration["nonFilterableMetadataKeys"] = list(index.non_filterable)
    if index.text_search:
        configuration["textSearchConfigurations"] = list(index.text_search.values())
    return configuration


def _text_search(configuration: dict[str, Any]) -> dict[str, dict[str, str]]:
    entries = configuration.get("textSearchConfigurations") or []
    return {entry["metadataKey"]: {**entry, "status": "ACTIVE"} for entry in entries}
