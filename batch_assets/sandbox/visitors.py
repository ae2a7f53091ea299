"""Who may speak to a sandbox: programs of this machine, and no web page that a browser on it has open.

A page can make a browser send requests to loopback. It cannot choose their `Origin`, and a name of its own that it lets
point to loopback (DNS rebinding) shows in their `Host`.
"""

from collections.abc import Mapping, Sequence

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
# All of these lead to loopback (RFC 6761): S3's virtual-hosted addresses are <bucket>.localhost.
_LOOPBACK_DOMAIN = ".localhost"


class Visitors:
    """Judges requests by the name that they are addressed to and the page that they come from."""

    def __init__(self, allowed_hosts: Sequence[str]) -> None:
        """Allow the names of loopback and these, each with the names of buckets before it."""
        self._allowed = tuple(name.lower() for name in allowed_hosts)

    def refusal(self, headers: Mapping[str, bytes]) -> str | None:
        """Why a request with these headers, by lower-case name, is refused; None if it is not."""
        host = headers.get("host", b"").decode("latin-1").lower()
        if not self._is_own(_without_port(host)):
            return f"the sandbox does not answer to the Host {host!r}; --allowed-host adds a name"
        origin = headers.get("origin")
        if origin is not None and origin.decode("latin-1").lower() not in {f"http://{host}", f"https://{host}"}:
            return f"the sandbox does not answer to web pages of {origin.decode('latin-1')!r}"
        return None

    def _is_own(self, name: str) -> bool:
        domains = (_LOOPBACK_DOMAIN, *(f".{allowed}" for allowed in self._allowed))
        return name in _LOOPBACK or name in self._allowed or name.endswith(domains)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
