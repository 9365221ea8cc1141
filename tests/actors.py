"""Who acts in tests of services."""

from app.entities import User
from app.services.actor import Actor


def by(user: User | None = None, address: str = "") -> Actor:
    """This user, or nobody who is known, from this address."""
    return Actor(user, address, session="test", request_id="0" * 32)
