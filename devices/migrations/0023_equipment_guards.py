"""Guards: seals and figures of tests stay; of a certificate, a test and a repair the facts stay."""

from django.db import migrations

LEDGERS = ("devices_seal", "devices_sealbreak", "devices_metertestrun")
VOID = "'voided_at', 'voided_by_id', 'void_reason'"
KEPT = {
    "devices_certificate": VOID,
    "devices_metertest": VOID,
    "devices_repair": (
        "'status', 'nozzle_id', 'taken_at', 'taken_by_id', 'repairer', 'done_at', 'done_by_id', "
        "'work', 'parts', 'cost', 'meter_opened', 'ended_at', 'ended_by_id', 'word'"
    ),
}


def forward() -> str:
    said = [
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change();"
        for table in LEDGERS
    ]
    for table, may_change in KEPT.items():
        said.append(
            f"CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_change_but({may_change});"
        )
    said += [
        f"CREATE TRIGGER never_deleted BEFORE DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change();"
        for table in (*KEPT, "devices_equipment")
    ]
    said += [
        f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"
        for table in (*LEDGERS, *KEPT, "devices_equipment")
    ]
    return "\n".join(said)


def backward() -> str:
    said = []
    for table in (*LEDGERS, *KEPT, "devices_equipment"):
        said.append(f"DROP TRIGGER never_emptied ON {table};")
        own = ("append_only",) if table in LEDGERS else ("never_deleted",)
        own += ("keeps_its_facts",) if table in KEPT else ()
        said += [f"DROP TRIGGER {name} ON {table};" for name in own]
    return "\n".join(said)


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0022_equipment"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(forward(), backward())]
