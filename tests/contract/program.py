"""The program as a child process."""

import os
import subprocess
import threading
from contextlib import nullcontext
from pathlib import Path

GREETING = "listening on "
TIMEOUT = 30
LOG_SHOWN = 6000
BINARY = Path(__file__).resolve().parents[2] / "target/debug/syncline"


class Program:
    """One role of `syncline`, such as `sandbox` or `serve`; `SYNCLINE_BINARY` says where the binary is.

    `base` is where it listens. What it logs goes to the file `log`, or where the tests' own errors go.
    """

    def __init__(self, role, *arguments, settings=None, log=None):
        binary = os.environ.get("SYNCLINE_BINARY", str(BINARY))
        self._log = log
        with open(log, "ab") if log else nullcontext() as errors:
            self._process = subprocess.Popen(
                [binary, role, "--listen", "127.0.0.1:0", *arguments],
                env={**os.environ, **(settings or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        line = self._process.stdout.readline().strip()
        _, found, self.base = line.partition(GREETING)
        if not found:
            self.stop()
            raise RuntimeError(f"{binary} {role} said {line!r} and not where it listens: {self.log()}")
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        for _ in self._process.stdout:
            pass

    def log(self):
        """The end of its log."""
        return Path(self._log).read_text(encoding="utf-8")[-LOG_SHOWN:] if self._log else ""

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
