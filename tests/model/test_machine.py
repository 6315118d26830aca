"""What is measured of this machine does not depend on what else it does."""

import subprocess
import sys

import torch

from model.machine import cores

FAST_DTYPE = "from model.machine import fast_dtype; print(fast_dtype())"
BUSY = "import torch; torch.set_num_threads(1); a = torch.ones(512, 512)\nprint(1, flush=True)\nwhile True: a @ a"


def test_the_fast_dtype_is_the_same_on_a_busy_machine() -> None:
    """A seed sounds as the dtype has it: twice as many processes as cores must not change that."""

    def measured() -> str:
        command = [sys.executable, "-c", FAST_DTYPE]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    alone = measured()
    assert alone.strip() in {str(torch.float32), str(torch.bfloat16)}
    others = [subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) for _ in range(2 * cores())]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        assert {measured() for _ in range(3)} == {alone}
    finally:
        for other in others:
            other.kill()
            other.wait()
