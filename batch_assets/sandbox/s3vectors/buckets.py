"""Operations on vector buckets, their policies and every resource's tags."""

from typing import Any

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3vectors import limits
from batch_assets.sandbox.s3vectors.names import check_bucket_name
from batch_assets.sandbox.s3vectors.pages import name_page
from batch_assets.sandbox.s3vectors.store import Bucket, Store

_LIST_DEFAULT = 500


class BucketOperations:
    """Vector buckets: each method takes parsed members and returns output members."""

    _store: Store

    def create_vector_bucket(self, members: dict[str, Any]) -> dict[str, Any]:
        """Make a vector bucket; a name is taken once per account and Region."""
        name = members["vectorBucketName"]
        check_bucket_name(name)
        encryption = checked_encryption(members.get("encryptionConfiguration"))
        tags = checked_tags({}, members.get("tags") or {})
        with self._store.buckets() as buckets:
            if name in buckets:
                raise ModelledError("ConflictException", "A vector bucket with the specified name already exists")
            if len(buckets) >= limits.VECTOR_BUCKETS_PER_REGION:
                raise ModelledError("ServiceQuotaExceededException", "The maximum number of vector buckets is reached")
            created = self._store.clock()
            mode = "ENHANCED" if created >= limits.ENHANCED_SINCE else "CLASSIC"
            arn = self._store.naming.bucket_arn(name)
            buckets[name] = Bucket(name, arn, created, encryption or {"sseType": "AES256"}, mode, tags)
        return {"vectorBucketArn": arn}

    def get_vector_bucket(self, members: dict[str, Any]) -> dict[str, Any]:
        """Describe a vector bucket."""
        with self._store.bucket(members) as bucket:
            description = _summary(bucket) | {
                "encryptionConfiguration": bucket.encryption,
                "defaultIndexMode": bucket.default_mode,
            }
        return {"vectorBucket": description}

    def list_vector_buckets(self, members: dict[str, Any]) -> dict[str, Any]:
        """List vector buckets by name, up to 500 a page."""
        with self._store.buckets() as buckets:
            page, token = name_page(
                buckets,
                prefix=members.get("prefix") or "",
                token=members.get("nextToken"),
                page_size=members.get("maxResults") or _LIST_DEFAULT,
            )
        return with_token({"vectorBuckets": [_summary(bucket) for bucket in page]}, token)

    def delete_vector_bucket(self, members: dict[str, Any]) -> dict[str, Any]:
        """Remove an empty vector bucket."""
        with self._store.buckets() as buckets, self._store.bucket(members) as bucket:
            if bucket.indexes:
                raise ModelledError("ConflictException", "The specified vector bucket is not empty")
            del buckets[bucket.name]
        return {}

    def put_vector_bucket_default_index_mode(self, members: dict[str, Any]) -> dict[str, Any]:
        """Set the mode of indexes made later."""
        with self._store.bucket(members) as bucket:
            check_mode(bucket, members["defaultIndexMode"])
            bucket.default_mode = members["defaultIndexMode"]
        return {}

    def put_vector_bucket_policy(self, members: dict[str, Any]) -> dict[str, Any]:
        """Store a policy; the sandbox enforces none."""
        with self._store.bucket(members) as bucket:
            bucket.policy = members["policy"]
        return {}

    def get_vector_bucket_policy(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return the stored policy."""
        with self._store.bucket(members) as bucket:
            if bucket.policy is None:
                raise ModelledError("NotFoundException", "The specified vector bucket policy could not be found")
            return {"policy": bucket.policy}

    def delete_vector_bucket_policy(self, members: dict[str, Any]) -> dict[str, Any]:
        """Forget the policy, if there is one."""
        with self._store.bucket(members) as bucket:
            bucket.policy = None
        return {}

    def tag_resource(self, members: dict[str, Any]) -> dict[str, Any]:
        """Add tags to a vector bucket or an index, or change their values."""
        with self._store.tags(members["resourceArn"]) as tags:
            tags.update(checked_tags(tags, members["tags"]))
        return {}

    def untag_resource(self, members: dict[str, Any]) -> dict[str, Any]:
        """Remove tags; unknown keys are passed over."""
        with self._store.tags(members["resourceArn"]) as tags:
            for key in members["tagKeys"]:
                tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return all tags of a vector bucket or an index."""
        with self._store.tags(members["resourceArn"]) as tags:
            return {"tags": dict(tags)}


def checked_encryption(configuration: dict[str, str] | None) -> dict[str, str]:
    """Return an encryption configuration: a KMS key exactly where it is KMS, else none."""
    chosen = dict(configuration or {})
    if (chosen.get("sseType") == "aws:kms") != ("kmsKeyArn" in chosen):
        raise validation_error(
            "kmsKeyArn must be specified if and only if sseType is aws:kms", path="/encryptionConfiguration"
        )
    return chosen


def checked_tags(present: dict[str, str], added: dict[str, str]) -> dict[str, str]:
    """Return the tags to add, if the resource then has no more than 50 (TagResource)."""
    if len(present | added) > limits.TAGS_PER_RESOURCE:
        raise validation_error(f"A resource can have at most {limits.TAGS_PER_RESOURCE} tags", path="/tags")
    return dict(added)


def check_mode(bucket: Bucket, mode: str) -> None:
    """Refuse CLASSIC in a bucket made on or after 30 September 2026 (UpdateIndexMode)."""
    if mode == "CLASSIC" and not bucket.allows_classic:
        raise validation_error("CLASSIC mode is not available for this vector bucket", path="/indexMode")


def with_token(answer: dict[str, Any], token: str | None) -> dict[str, Any]:
    """Add ``nextToken`` where there is a next page."""
    return answer if token is None else answer | {"nextToken": token}


def _summary(bucket: Bucket) -> dict[str, Any]:
    return {
        "vectorBucketName": bucket.name,
        "vectorBucketArn": bucket.arn,
        "creationTime": bucket.created,
    }
