"""The one exception every sandbox service raises to answer with a modelled error."""


class ModelledError(Exception):
    """An error as the service's botocore model names it.

    Attributes:
        code: Shape name of the error, such as ``ValidationException``.
        message: Text for the caller.
        fields: For ``ValidationException``: one ``{"path": ..., "message": ...}`` per
            offending member (the ``fieldList`` of S3 Vectors).
        status: HTTP status of an error that the model does not have.
    """

    def __init__(
        self, code: str, message: str, fields: list[dict[str, str]] | None = None, *, status: int | None = None
    ) -> None:
        """Keep the parts of the answer."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status


def validation_error(message: str, *, path: str | None = None) -> ModelledError:
    """Build a ``ValidationException``, with one field entry when ``path`` is given."""
    fields = None if path is None else [{"path": path, "message": message}]
    return ModelledError("ValidationException", message, fields)
