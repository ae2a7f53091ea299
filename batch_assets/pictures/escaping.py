"""Text from outside, such as an object's key, as HTML that shows it and never is markup."""

import html


def escaped(text: str) -> str:
    """Escape for text and quoted attributes; control and lone surrogate characters become visible."""
    visible = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
    return html.escape(visible, quote=True)
