"""Addresses of signing in, of one's own account, and of the people of a station."""

from django.urls import URLPattern, path

from station.views import accounts, inbox, lock, people, practice, sign_in

urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/verify/", sign_in.verify, name="second_factor"),
    path("sign-in/phone/", sign_in.bind_phone, name="bind_phone"),
    path("practice/", practice.go, name="practice_go"),
    path("practice/enter/", practice.enter, name="practice_enter"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("lock/", lock.lock, name="lock"),
    path("lock/open/", lock.unlock, name="unlock"),
    path("lock/change/", lock.change_in, name="change_in"),
    path("account/", accounts.account, name="account"),
    path("account/password/", accounts.password, name="password"),
    path("account/pin/", accounts.pin, name="pin"),
    path("account/recovery-codes/", accounts.recovery_codes, name="recovery_codes"),
    path("inbox/", inbox.index, name="inbox"),
    path("inbox/read/", inbox.read_all, name="messages_read"),
    path("inbox/<int:pk>/", inbox.message, name="message"),
    path("inbox/<int:pk>/read/", inbox.read, name="message_read"),
    path("people/", people.index, name="people"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/practice/", practice.results, name="practice_results"),
    path("people/roles/", people.roles, name="roles"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/change/", people.person_change, name="person_change"),
    path("people/<int:pk>/act/<slug:deed>/", people.person_act, name="person_act"),
]
