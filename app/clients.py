"""Who is at the other end of the connection."""

from flask import request


def client_address() -> str:
    """The address of the client; behind LUMEN_TRUSTED_PROXIES the one that they report. At most 45 characters."""
    return (request.remote_addr or "")[:45]
