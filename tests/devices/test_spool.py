"""The spool keeps what it was told through kill -9, repetition and threads."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.spool import Fact, Spool

AT = datetime(2026, 4, 22, 12, 5, tzinfo=UTC)


def _fact(number: int) -> Fact:
    return Fact(key=f"fill:{number}", kind="fill", body={"litres": f"{number}.000"}, at=AT)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool.sqlite3")


@pytest.mark.req("SAL-02")
def test_a_fact_told_three_times_is_one_row(spool: Spool) -> None:
    assert spool.record(facts=[_fact(1)]) == ("fill:1",)
    assert spool.record(facts=[_fact(1), _fact(2)]) == ("fill:2",)
    assert spool.record(facts=[_fact(1)]) == ()
    assert [fact.key for fact in spool.waiting()] == ["fill:1", "fill:2"]
    assert spool.waiting()[0].body == {"litres": "1.000"}
    assert spool.waiting()[0].at == AT


def test_what_was_moved_waits_no_longer_and_does_not_come_back(spool: Spool) -> None:
    spool.record(facts=[_fact(1), _fact(2)])
    spool.moved([spool.waiting()[0].seq])
    spool.record(facts=[_fact(1)])
    assert [fact.key for fact in spool.waiting()] == ["fill:2"]
    assert spool.depth() == (1, AT)


def test_a_fact_that_the_database_refused_stays_and_says_why(spool: Spool) -> None:
    spool.record(facts=[_fact(1)])
    spool.refused(spool.waiting()[0].seq, "no such nozzle")
    assert spool.troubled() == [("fill:1", "no such nozzle", 1)]
    assert spool.waiting() == []
    assert spool.waiting(again=True)[0].tries == 1


def test_facts_and_the_state_they_come_from_are_written_together(spool: Spool) -> None:
    spool.record(live={"a": {"total": "1"}})
    with pytest.raises(TypeError):
        spool.record(facts=[_fact(1)], live={"a": {"total": object()}})
    assert spool.waiting() == []
    assert spool.live("a") == {"total": "1"}
    assert spool.live("b") is None
    assert spool.record() == ()


def test_configuration_says_whether_it_changed(spool: Spool) -> None:
    assert spool.config("wiring") is None
    assert spool.put_config("wiring", {"lines": []})
    assert not spool.put_config("wiring", {"lines": []})
    assert spool.put_config("wiring", {"lines": [1]})
    assert spool.config("wiring") == {"lines": [1]}


def test_a_command_is_journaled_with_the_fact_that_reports_it(spool: Spool) -> None:
    spool.journal(id="7", body={"kind": "STOP"}, state="SENT", at=AT)
    spool.journal(id="7", body={}, state="DONE", why="", at=AT, fact=_fact(7))
    found = spool.journaled("7")
    assert found is not None and (found.state, found.body) == ("DONE", {"kind": "STOP"})
    assert spool.open_commands("SENT") == []
    assert [one.id for one in spool.open_commands("DONE", "VOID")] == ["7"]
    assert spool.journaled("8") is None
    assert [fact.key for fact in spool.waiting()] == ["fill:7"]


def test_old_moved_facts_are_forgotten_and_waiting_ones_never(spool: Spool) -> None:
    spool.record(facts=[_fact(1), _fact(2)])
    spool.moved([1])
    assert spool.prune(at=AT + timedelta(days=50)) == 1
    assert [fact.key for fact in spool.waiting()] == ["fill:2"]
    spool.close()


def test_many_threads_lose_nothing(spool: Spool) -> None:
    def write(start: int) -> None:
        for number in range(start, start + 25):
            spool.record(facts=[_fact(number)], live={f"t{start}": {"n": number}})

    threads = [threading.Thread(target=write, args=(100 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.depth()[0] == 100


_CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from devices.spool import Fact, Spool

spool, die_at = Spool(Path(sys.argv[1])), int(sys.argv[2])
seen = 0

def count(statement):
    global seen
    seen += 1
    if seen == die_at:
        os.kill(os.getpid(), signal.SIGKILL)

spool._db.set_trace_callback(count)
at = datetime(2026, 4, 22, tzinfo=UTC)
for number in range(4):
    facts = [Fact(key=f"fill:{number}", kind="fill", body={}, at=at),
             Fact(key=f"totals:{number}", kind="totals", body={}, at=at)]
    spool.record(facts=facts, live={"meter": {"fills": number + 1}})
    print(number, flush=True)
spool.moved([fact.seq for fact in spool.waiting(4)])
"""


STATEMENTS = 27  # four times BEGIN, two facts, the state, COMMIT; then those of `moved`


@pytest.mark.req("DEV-01")
def test_a_process_killed_at_any_statement_leaves_whole_steps_only(tmp_path: Path) -> None:
    died = 0
    for die_at in range(1, STATEMENTS + 10):
        path = tmp_path / f"{die_at}.sqlite3"
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(path), str(die_at)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        told = len(done.stdout.split())
        spool = Spool(path)
        keys = [row[0] for row in spool._rows("SELECT key FROM fact ORDER BY seq")]
        meter = spool.live("meter") or {"fills": 0}
        assert len(keys) == 2 * meter["fills"]  # facts and state never apart
        assert meter["fills"] >= told  # what was said to be kept is kept
        assert spool.depth()[0] in (len(keys), len(keys) - 4)
        spool.close()
        if done.returncode == 0:
            break
        died += 1
    assert died == STATEMENTS
