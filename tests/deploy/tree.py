"""Where things are, and how a checker is run. Nothing is decided here."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "syncline"
OPERATIONS = ROOT / "docs" / "operations.md"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS = Path(os.environ.get("SYNCLINE_DEPLOY_TOOLS", TARGET / "deploy-tools"))
BINARY = Path(os.environ.get("SYNCLINE_BINARY", TARGET / "debug" / "syncline"))


def run(program, *arguments, env=None, cwd=None):
    """The exit status of a program, and all that it said. No variable of ours reaches it unless it is in `env`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        env={**inherited, **(env or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


def beside_python(name):
    """A program that a Python package of requirements.txt brought."""
    return Path(sys.executable).parent / name
