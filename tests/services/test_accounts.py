import pytest

from app.entities import AuditEvent, Role, User
from app.errors import TooManyRequests
from app.extensions import db
from app.services import accounts
from app.services.accounts import InvalidAccount, LastAdmin, WrongPassword, passwords, tokens
from tests.actors import by
from tests.conftest import PASSWORD

NEW = "another good password"


def actions() -> list[str]:
    return list(db.session.scalars(db.select(AuditEvent.action).order_by(AuditEvent.id)))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("anna@ward.local", "anna@ward.local"),
        ("Anna.Berg@Example.ORG", "anna.berg@example.org"),
        ("  anna@pacs  ", "anna@pacs"),
        ("anna@localhost", "anna@localhost"),
        ("anna@hospital.test", "anna@hospital.test"),
        ("jürgen@klinik.de", "jürgen@klinik.de"),
        ("o'neil+scans@example.org", "o'neil+scans@example.org"),
    ],
)
def test_stores_addresses_in_one_form(app, written, stored):
    user = accounts.register_user(email=written, name="Anna", password=PASSWORD, actor=by(None, "10.0.0.1"))
    assert user.email == stored
    assert accounts.authenticate(email=written.upper(), password=PASSWORD, actor=by(None, "10.0.0.1")).id == user.id


@pytest.mark.parametrize(
    "email",
    ["", "anna", "anna@", "@ward.local", "a b@ward.local", "anna@ward..local", "x" * 65 + "@ward.local",
     "a@" + "b." * 130 + "org", "anna@ward.local\nBcc: all", "<script>@ward.local",
     "anna@[127.0.0.1]", "anna\x00@ward.local"],
)  # fmt: skip
def test_refuses_what_is_no_address_with_a_sentence(app, email):
    with pytest.raises(InvalidAccount) as caught:
        accounts.register_user(email=email, name="Anna", password=PASSWORD, actor=by(None, "10.0.0.1"))
    assert caught.value.field == "email" and str(caught.value).endswith(".")
    assert db.session.query(User).count() == 0


@pytest.mark.parametrize("name", ["", "   ", "n" * 121])
def test_refuses_names_that_do_not_fit(app, name):
    with pytest.raises(InvalidAccount) as caught:
        accounts.register_user(email="a@ward.local", name=name, password=PASSWORD, actor=by())
    assert caught.value.field == "name"


def test_one_address_one_account(app, make_user):
    make_user(email="anna@ward.local")
    with pytest.raises(InvalidAccount, match="already"):
        accounts.register_user(email="ANNA@Ward.Local", name="Anna", password=PASSWORD, actor=by())
    assert actions() == ["user.register_fail"]


def test_a_registered_user_is_a_clinician(app):
    assert accounts.register_user(email="a@b.org", name="A", password=PASSWORD, actor=by()).role == Role.CLINICIAN


def test_a_login_is_recorded_with_address_and_time(app, make_user):
    user = make_user()
    accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1"))
    event = db.session.scalar(db.select(AuditEvent))
    assert (event.action, event.user_id, event.account, event.address) == ("login.ok", user.id, user.email, "10.0.0.1")
    assert user.last_login_at is not None


def test_an_old_hash_is_renewed_at_login(app, make_user):
    user = make_user()
    before = user.password_hash
    app.config["ARGON2"] = {"time_cost": 2, "memory_cost": 16, "parallelism": 1}
    accounts.authenticate(email=user.email, password=PASSWORD, actor=by())
    assert user.password_hash != before
    assert passwords.password_matches(user.password_hash, PASSWORD)


def test_changing_the_password_ends_sessions(app, make_user):
    user = make_user(must_change_password=True)
    key = user.session_key
    accounts.change_password(current=PASSWORD, new=NEW, actor=by(user, ""))
    assert user.session_key != key and not user.must_change_password
    with pytest.raises(WrongPassword):
        accounts.authenticate(email=user.email, password=PASSWORD, actor=by())
    assert accounts.authenticate(email=user.email, password=NEW, actor=by()) is user


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong one here", NEW, "current"), (PASSWORD, "short", "new"), (PASSWORD, PASSWORD, "new")],
)
def test_refuses_a_bad_password_change(app, make_user, current, new, field):
    user = make_user()
    before = user.password_hash
    with pytest.raises(InvalidAccount) as caught:
        accounts.change_password(current=current, new=new, actor=by(user, ""))
    assert caught.value.field == field and user.password_hash == before


def test_a_reset_gives_a_password_for_one_use_and_revokes_tokens(app, make_user):
    admin, user = make_user(Role.ADMIN), make_user()
    _, token = tokens.create_token(user=user, name="script", actor=by(user))
    key = user.session_key
    one_time = accounts.reset_password(user=user, actor=by(admin))
    assert user.must_change_password and user.session_key != key
    assert tokens.find_token(token) is None
    assert accounts.authenticate(email=user.email, password=one_time, actor=by()) is user
    assert one_time not in str([vars(event) for event in db.session.query(AuditEvent)])


def test_the_last_admin_stays(app, make_user):
    admin, other = make_user(Role.ADMIN), make_user(Role.ADMIN, is_enabled=False)
    with pytest.raises(LastAdmin):
        accounts.set_role(user=admin, role=Role.CLINICIAN, actor=by(admin))
    with pytest.raises(LastAdmin):
        accounts.set_enabled(user=admin, enabled=False, actor=by(admin))
    accounts.set_enabled(user=other, enabled=True, actor=by(admin))
    accounts.set_role(user=admin, role=Role.REVIEWER, actor=by(admin))
    assert (admin.role, other.role) == (Role.REVIEWER, Role.ADMIN)
    assert actions() == ["user.enable", "user.change_role"]


def test_a_list_of_users_is_searched_literally(app, make_user):
    make_user(email="anna@ward.local", name="Anna 100%")
    make_user(email="b_b@ward.local", name="Bea")
    make_user(email="bxb@ward.local", name="Cleo")
    found = {
        search: [user.name for user in accounts.list_users(search).items]
        for search in ("100%", "%", "b_b", "ANNA", "x'--")
    }
    assert found == {"100%": ["Anna 100%"], "%": ["Anna 100%"], "b_b": ["Bea"], "ANNA": ["Anna 100%"], "x'--": []}


class TestThrottling:
    def fail(self, email, address="10.0.0.1", times=1):
        for _ in range(times):
            with pytest.raises(WrongPassword):
                accounts.authenticate(email=email, password="not the password", actor=by(None, address))

    def test_an_account_is_closed_after_some_failures_from_anywhere(self, app, make_user):
        user = make_user()
        for number in range(5):
            self.fail(user.email, address=f"10.0.0.{number}")
        with pytest.raises(TooManyRequests) as caught:
            accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.9.9.9"))
        assert 0 < caught.value.retry_after <= 900
        assert "15 minutes" in caught.value.message
        assert actions()[-1] == "login.throttle"

    def test_unknown_accounts_are_closed_alike(self, app):
        self.fail("nobody@ward.local", times=5)
        with pytest.raises(TooManyRequests):
            accounts.authenticate(email="Nobody@ward.local", password=PASSWORD, actor=by(None, "10.0.0.1"))

    def test_an_address_is_closed_after_failures_on_many_accounts(self, app, make_user):
        user = make_user()
        for number in range(30):
            self.fail(f"user{number}@ward.local")
        with pytest.raises(TooManyRequests):
            accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1"))
        assert accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.2")) is user

    def test_a_stranger_cannot_keep_the_owner_out(self, app, make_user):
        user = make_user()
        accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1"))
        self.fail(user.email, address="6.6.6.6", times=5)
        with pytest.raises(TooManyRequests):
            accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "6.6.6.6"))
        assert accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1")) is user

    def test_success_clears_the_account(self, app, make_user):
        user = make_user()
        for _ in range(3):
            self.fail(user.email, times=4)
            accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1"))

    def test_the_window_passes(self, app, make_user):
        user = make_user()
        self.fail(user.email, times=5)
        for event in db.session.query(AuditEvent):
            event.created_at = event.created_at.replace(year=2020)
        db.session.commit()
        assert accounts.authenticate(email=user.email, password=PASSWORD, actor=by(None, "10.0.0.1")) is user

    def test_guessing_the_current_password_is_limited_too(self, app, make_user):
        user = make_user()
        for _ in range(5):
            with pytest.raises(InvalidAccount):
                accounts.change_password(current="not the password", new=NEW, actor=by(user, "10.0.0.1"))
        with pytest.raises(TooManyRequests):
            accounts.change_password(current=PASSWORD, new=NEW, actor=by(user, "10.0.0.1"))

    def test_registrations_from_one_address_are_limited(self, app):
        app.config["REGISTRATIONS_PER_ADDRESS"] = 2
        for number in range(2):
            accounts.register_user(
                email=f"u{number}@ward.local", name="U", password=PASSWORD, actor=by(None, "10.0.0.1")
            )
        with pytest.raises(TooManyRequests):
            accounts.register_user(email="u3@ward.local", name="U", password=PASSWORD, actor=by(None, "10.0.0.1"))
        assert accounts.register_user(email="u3@ward.local", name="U", password=PASSWORD, actor=by(None, "10.0.0.2")).id
