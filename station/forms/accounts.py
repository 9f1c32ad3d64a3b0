"""Forms of signing in and of one's own account. The secrets are checked by services."""

from __future__ import annotations

from typing import Any

from django import forms

from station.forms.layout import laid


def _secret(autocomplete: str, **attrs: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": autocomplete, **attrs})


def _digits(autocomplete: str = "off") -> forms.PasswordInput:
    return _secret(autocomplete, inputmode="numeric", pattern="[0-9]*", maxlength="6")


class SignInForm(forms.Form):
    """Account and password."""

    helper = laid("username", "password")
    username = forms.CharField(
        label="账号",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="密码", max_length=128, strip=False, widget=_secret("current-password")
    )

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class CodeForm(forms.Form):
    """The code of the phone, or a recovery code."""

    helper = laid("code")
    code = forms.CharField(
        label="验证码",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )


class RecoveryForm(CodeForm):
    """The same field with letters: the keypad of a phone would not offer them."""

    code = forms.CharField(
        label="恢复码",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class PasswordForm(forms.Form):
    """The old password and twice the new one."""

    helper = laid("old", "new", "again")
    old = forms.CharField(label="原密码", strip=False, widget=_secret("current-password"))
    new = forms.CharField(
        label="新密码",
        strip=False,
        widget=_secret("new-password"),
        help_text="至少 8 位，不能全是数字，不能是常见密码，不能与账号、姓名相近。",
    )
    again = forms.CharField(label="再输一次新密码", strip=False, widget=_secret("new-password"))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("new") != given.get("again") and "again" in given:
            self.add_error("again", "两次输入的新密码不一样。")
        return given


class PinForm(forms.Form):
    """A new PIN, twice, with the password to vouch for the person."""

    helper = laid("password", "pin", "again")
    password = forms.CharField(label="登录密码", strip=False, widget=_secret("current-password"))
    pin = forms.CharField(
        label="新口令", widget=_digits(), help_text="6 位数字，用于换班、解锁和签字。"
    )
    again = forms.CharField(label="再输一次口令", widget=_digits())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("pin") != given.get("again") and "again" in given:
            self.add_error("again", "两次输入的口令不一样。")
        return given


class UnlockForm(forms.Form):
    """PIN (or password) of the person whose screen is locked."""

    helper = laid("secret")
    secret = forms.CharField(
        label="口令或密码",
        strip=False,
        max_length=128,
        widget=_secret("current-password", autofocus=""),
    )


class ChangeInForm(forms.Form):
    """Who takes over the till, and his PIN."""

    helper = laid("person", "pin")
    person = forms.TypedChoiceField(label="接替的人", coerce=int)
    pin = forms.CharField(label="他的口令", widget=_digits())

    def __init__(self, *args: Any, people: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = people  # type: ignore[attr-defined]
