"""What people read: lines as wide as their terminal, and whole ones in a pipe or a file."""

import os

from rich.console import Console

_NARROWEST = 80
_WIDTH_ELSEWHERE = 200


def console(*, stderr: bool = False) -> Console:
    """Standard output or error. Keys with `[`, `:` or digits in them are shown as they are.

    A table keeps its columns whole: a terminal of fewer than 80 columns breaks its lines by itself.
    """
    made = Console(stderr=stderr, highlight=False, emoji=False)
    if made.is_terminal or "COLUMNS" in os.environ:
        made.width = max(made.width, _NARROWEST)
    else:
        made.width = _WIDTH_ELSEWHERE
    return made
