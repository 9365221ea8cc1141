"""Who does something, and from where: handed to everything that writes."""

from dataclasses import dataclass, replace

from app.entities import User, new_key


@dataclass(frozen=True)
class Actor:
    """`user` is None where nobody is signed in. `session` names the sign-in or the token that was used, and tells no
    secret; `request_id` is the same for all that one request or command does.
    """

    user: User | None = None
    address: str = ""
    session: str = ""
    request_id: str = ""

    @classmethod
    def of_shell(cls) -> "Actor":
        """Who uses the command line: nobody whom Lumen knows."""
        return cls(session="shell", request_id=new_key())

    def require_user(self) -> User:
        """The user of what only somebody signed in may do. Raises RuntimeError for nobody: that let a stranger in."""
        if self.user is None:
            raise RuntimeError("Nobody is signed in, and this needs a user: ask for one before the service is called.")
        return self.user

    def as_user(self, user: User | None) -> "Actor":
        """The same request, as of this user: whom a sign-in names, or who has just registered."""
        return replace(self, user=user)
