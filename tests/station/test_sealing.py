"""Personal data at rest: sealed, indexed blindly, forgotten, and carried over to a new site key."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from station.models import DataKey
from station.queries.masking import mask_id, mask_name, mask_phone, mask_plate
from station.services import sealing
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-03")]

PHONE = "13887654321"


def key() -> DataKey:
    return sealing.new_key(at=make.NOW)


def test_what_is_sealed_can_be_read_again_and_not_seen():
    mine = key()
    sealed = sealing.seal(mine, PHONE)
    assert PHONE not in sealed
    assert sealing.unseal(mine, sealed) == PHONE
    assert sealing.seal(mine, PHONE) != sealed  # equal texts do not look equal
    assert sealing.seal(mine, "") == sealing.unseal(mine, "") == ""


@hypothesis(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=60))
def test_any_text_survives(text):
    mine = key()
    assert sealing.unseal(mine, sealing.seal(mine, text)) == text


def test_another_persons_key_opens_nothing():
    mine, other = key(), key()
    sealed = sealing.seal(mine, PHONE)
    with pytest.raises(sealing.NotReadable):
        sealing.unseal(other, sealed)


def test_a_ciphertext_moved_under_another_row_with_the_same_key_is_refused():
    mine = key()
    copied = DataKey.objects.create(wrapped=mine.wrapped, created_at=make.NOW)
    with pytest.raises(sealing.NotReadable):
        sealing.unseal(copied, sealing.seal(mine, PHONE))


def test_a_destroyed_key_reads_and_seals_no_more():
    mine = key()
    sealed = sealing.seal(mine, PHONE)
    sealing.destroy_key(key=mine, at=make.NOW)
    sealing.destroy_key(key=mine, at=make.at(12))
    assert (mine.wrapped, mine.destroyed_at) == ("", make.NOW)
    with pytest.raises(sealing.KeyDestroyed):
        sealing.unseal(mine, sealed)
    with pytest.raises(sealing.KeyDestroyed):
        sealing.seal(mine, PHONE)


def test_the_database_keeps_no_wrapping_of_a_destroyed_key():
    mine = key()
    with pytest.raises(IntegrityError, match="leaves_nothing"), transaction.atomic():
        DataKey.objects.filter(pk=mine.pk).update(destroyed_at=make.NOW)


def test_equal_texts_have_equal_indexes_however_they_are_written():
    assert sealing.blind_index("phone", PHONE) == sealing.blind_index("phone", "138 8765-4321")
    assert sealing.blind_index("plate", "云A·12345") == sealing.blind_index("plate", "云a12345")
    assert sealing.blind_index("phone", PHONE) != sealing.blind_index("phone", "13887654322")
    assert sealing.blind_index("phone", "") == ""


def test_an_index_tells_nothing_of_another_purpose():
    assert sealing.blind_index("phone", PHONE) != sealing.blind_index("bank_account", PHONE)
    assert sealing.tail_index("phone", PHONE) != sealing.blind_index("phone", "4321")
    assert sealing.tail_index("phone", PHONE) == sealing.tail_index("phone", "4321")
    assert sealing.tail_index("phone", "321") == ""


def test_the_indexes_are_keyed_by_the_site():
    before = sealing.blind_index("phone", PHONE)
    with override_settings(SITE_KEY="x" * 40), pytest.raises(sealing.NotReadable, match="SITE_KEY"):
        sealing.blind_index("phone", PHONE)
    sealing.IndexKey.objects.all().delete()
    assert sealing.blind_index("phone", PHONE) != before


@pytest.mark.parametrize(
    ("mask", "text", "masked"),
    [
        (mask_phone, PHONE, "138****4321"),
        (mask_phone, "", ""),
        (mask_phone, "12345", "*****"),
        (mask_plate, "云A12345", "云A***45"),
        (mask_plate, "云AD12345", "云A****45"),
        (mask_name, "张", "张"),
        (mask_name, "张三", "张*"),
        (mask_name, "欧阳小明", "欧**明"),
        (mask_id, "530102199001011234", "530***********1234"),
        (mask_id, "12345", "*****"),
    ],
)
def test_masks_show_enough_to_recognise_and_no_more(mask, text, masked):
    assert mask(text) == masked


# -------------------------------------------------------------------- a new site key

OLD, NEW = "old-site-key-" * 3, "new-site-key-" * 3


def test_the_site_key_is_changed_without_touching_what_is_sealed(capsys):
    with override_settings(SITE_KEY=OLD):
        people = [key() for _ in range(3)]
        sealed = [sealing.seal(one, PHONE) for one in people]
        index = sealing.blind_index("phone", PHONE)
        gone = key()
        sealing.destroy_key(key=gone, at=make.NOW)
    with override_settings(SITE_KEY=NEW, SITE_KEY_PREVIOUS=OLD):
        # while it is under way both keys serve
        assert sealing.unseal(people[0], sealed[0]) == PHONE
        fresh = key()
        call_command("rotate_site_key")
        assert "共换 4 把" in capsys.readouterr().out  # three persons and the index key
        call_command("rotate_site_key")
        assert "共换 0 把" in capsys.readouterr().out
    with override_settings(SITE_KEY=NEW):
        for one, text in zip(people, sealed, strict=True):
            one.refresh_from_db()
            assert sealing.unseal(one, text) == PHONE
        assert sealing.blind_index("phone", PHONE) == index
        assert sealing.seal(fresh, PHONE)
    with override_settings(SITE_KEY=OLD), pytest.raises(sealing.NotReadable):
        sealing.unseal(people[0], sealed[0])


def test_a_rotation_in_portions_ends():
    with override_settings(SITE_KEY=OLD):
        for _ in range(5):
            key()
    assert [sealing.rewrap(old=OLD, new=NEW, batch=2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("previous", ["", "same-key-same-key-same-key-same-key"])
def test_a_rotation_from_nowhere_is_refused(previous):
    with (
        override_settings(
            SITE_KEY="same-key-same-key-same-key-same-key", SITE_KEY_PREVIOUS=previous
        ),
        pytest.raises(CommandError, match="SITE_KEY"),
    ):
        call_command("rotate_site_key")
