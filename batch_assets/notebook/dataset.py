"""`EmbeddingDataset`: the pictures of a deployment, their vectors, and the search among them."""

from batch_assets.errors import SearchError
from batch_assets.notebook import display
from batch_assets.notebook.deployment import Deployment
from batch_assets.notebook.query import Picture, described, key_vector, picture_vector, text_vector
from batch_assets.notebook.results import SearchResults
from batch_assets.notebook.rows import Rows
from batch_assets.notebook.selection import EVERYTHING
from batch_assets.notebook.vectors import Matrix, matrix, matrix_of_all
from batch_assets.settings import Settings, load_settings
from batch_assets.storage.tables import StoredTable
from batch_assets.vectors.all_indexes import search_deployment
from batch_assets.vectors.search import Criteria

_VECTORS = "embedding"
_SAMPLE = 12


class EmbeddingDataset(Rows):
    """The embedded pictures of the chosen partitions: a row and a vector each.

    Without settings those of the environment and `.env` count, as for every command. Rows, frames and streams are
    those of the table `embedding_table`; `table` gives the other tables of the same partitions.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Raises `SettingsError` if settings are missing or wrong. Nothing is read yet."""
        super().__init__(Deployment(settings or load_settings()), "embedding_table")

    @property
    def settings(self) -> Settings:
        return self._deployment.settings

    def table(self, name: str) -> Rows:
        """Another table of the graph, such as `rejected_images`. Raises `TableError` if there is none of this name."""
        return Rows(self._deployment, name, self.selection)

    def to_numpy(self) -> Matrix:
        """All vectors, float32 of shape (rows, dimension), read-only, in the order of `to_arrow`.

        Those of one partition are the memory that Arrow has read them into. Raises `TableError` if there are none.
        """
        opened = self._opened(self._wanted())
        if len(opened) == 1:
            return matrix(opened[0].rows([_VECTORS])[_VECTORS])
        return matrix_of_all(opened, _VECTORS, self.settings.dimension)

    def search(
        self, text: str | None = None, *, image: Picture | None = None, key: str | None = None, top_k: int = 10
    ) -> SearchResults:
        """The nearest pictures of the chosen partitions in the live index, nearest first.

        Asked with words, with a picture (a file, an `s3://` URI, bytes or a Pillow image), or with the key of a picture
        that is loaded, which is then left out itself. Words and pictures are embedded by the model, which costs one
        on-demand call. Raises `SearchError` if not exactly one of them is given, or it cannot be searched with.
        """
        given = {"text": text, "image": image, "key": key}
        asked = [name for name, query in given.items() if query is not None]
        if len(asked) != 1:
            raise SearchError(f"search with one of text, image and key, not with {' and '.join(asked) or 'none'}")
        if key is not None:
            return self._nearest(key, key_vector(self._deployment, key), top_k=top_k, leave_out=key)
        if image is not None:
            return self._nearest(described(image), picture_vector(self._deployment, image), top_k=top_k)
        return self._nearest(repr(text), text_vector(self._deployment, str(text)), top_k=top_k)

    def _nearest(self, query: str, vector: Matrix, *, top_k: int, leave_out: str | None = None) -> SearchResults:
        found = search_deployment(
            self._deployment.s3vectors,
            self.settings,
            vector=vector,
            top_k=top_k if leave_out is None else top_k + 1,
            criteria=Criteria(partitions=None if self.selection == EVERYTHING else tuple(self._wanted())),
        )
        matches = tuple(match for match in found if match.key != leave_out)[:top_k]
        return SearchResults(query, matches, self._deployment)

    def _pictures(self, newest: StoredTable) -> str:
        first = next(newest.batches(["key"], rows=_SAMPLE), None)
        keys = first.column("key").to_pylist() if first is not None else []
        tiles = [display.Tile(f"s3://{self.settings.source_bucket}/{key}", [key]) for key in keys]
        return display.pictures(self._deployment.s3, tiles)
