"""How a form is laid out in a page that brings its own <form> and button."""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout


def laid(*fields: object) -> FormHelper:
    """A crispy layout without tag, token and refusal: the base template has them."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.form_show_errors = True
    helper.render_unmentioned_fields = True
    helper.layout = Layout(*fields)
    return helper
