"""What is judged of coverage: pure rooms have a least, all others are shown."""

import pytest
from room_coverage import LEAST_PERCENT, PURE_ROOMS, Lines, judge, measure

ENOUGH = {name: {"a.py": Lines(100, LEAST_PERCENT)} for name in PURE_ROOMS}


def test_pure_rooms_that_reach_their_least_and_any_other_pass():
    table, short = judge(ENOUGH | {"cli": {"a.py": Lines(100, 10)}})
    assert short == [] and f"contract          100 lines {LEAST_PERCENT:6.1f} %" in table and "10.0 %" in table


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_below_its_least_is_told_with_its_worst_files(room):
    files = {"good.py": Lines(50, 50), "bad.py": Lines(50, LEAST_PERCENT - 51)}
    _, short = judge(ENOUGH | {room: files})
    assert short == [f"{room}: 89.0 % of its lines are run, 90 % must be (bad.py 78 %, good.py 100 %)"]


def test_a_pure_room_that_is_not_there_is_no_success():
    assert judge({}) == ("", [f"{name}: there is no such room" for name in PURE_ROOMS])


def test_a_file_that_nothing_imports_counts(tmp_path):
    class Measured:
        def analysis2(self, path):
            return path, [1, 2, 3, 4], [], [1, 2, 3, 4] if path.endswith("never.py") else [2], ""

    for name in ("never.py", "sub/once.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert measure(Measured(), tmp_path) == {"never.py": Lines(4, 0), "once.py": Lines(4, 3)}
