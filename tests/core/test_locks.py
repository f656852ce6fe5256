import os
import signal
import subprocess
import sys
import threading

import pytest

from despoof.core.errors import InputError
from despoof.core.locks import only_writer

HOLD = """
import sys
from despoof.core.errors import InputError
from despoof.core.locks import only_writer
with only_writer(sys.argv[1], InputError("taken")):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def end(process):
    process.stdin.close()
    process.stdout.close()
    return process.wait()


def test_the_second_is_refused_and_the_next_is_not(tmp_path):
    path, refusal = tmp_path / ".lock", InputError("taken")
    with only_writer(path, refusal):
        with pytest.raises(InputError) as caught, only_writer(path, refusal):
            raise AssertionError("two writers")
        assert caught.value is refusal and path.exists()
    assert not path.exists()
    with only_writer(path, refusal), only_writer(tmp_path / "other", refusal):
        pass


def test_it_is_let_go_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), only_writer(tmp_path / "l", InputError("taken")):
        raise ZeroDivisionError
    with only_writer(tmp_path / "l", InputError("taken")):
        pass


def test_another_process_holds_it_until_it_is_killed(tmp_path):
    path = tmp_path / ".lock"
    process = hold(path)
    with pytest.raises(InputError, match="taken"), only_writer(path, InputError("taken")):
        pass
    process.send_signal(signal.SIGKILL)
    assert end(process) == -signal.SIGKILL and path.exists()
    with only_writer(path, InputError("taken")):
        pass
    assert not path.exists()


def test_many_threads_never_hold_it_together(tmp_path):
    inside, most, entered = [], [], []

    def work():
        for _ in range(200):
            try:
                with only_writer(tmp_path / "l", InputError("taken")):
                    inside.append(1)
                    most.append(len(inside))
                    entered.append(1)
                    inside.pop()
            except InputError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1} and entered and not os.listdir(tmp_path)


def test_a_folder_that_is_not_there_is_no_refusal(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        only_writer(tmp_path / "no" / "l", InputError("taken")),
    ):
        pass
