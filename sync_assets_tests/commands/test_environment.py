"""`scripts/lib/environment.sh` installs once, says why it cannot, and is silent otherwise.

The installer is a stand-in here: a `uv` that makes a small environment and writes down its calls.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sync_assets.settings import load_settings

CHECKOUT = Path(__file__).parents[2]
SCRIPTS = CHECKOUT / "scripts"

UV = """#!/bin/bash
echo "$*" >>calls
case "$*" in
    *venv*) mkdir -p .venv/bin .venv/lib && ln -s {python} .venv/bin/python ;;
    *--require-hashes*)
        sleep 0.5
        test ! -e offline || {{ echo "error: no route to host"; exit 2; }}
        ;;
esac
"""

USE = """
set -euo pipefail
. scripts/lib/environment.sh
echo "$PYTHON|$DAGSTER_HOME|$DAGSTER_DISABLE_TELEMETRY|${PATH%%:*}"
"""

TOOLS = ("bash", "cat", "id", "ln", "mkdir", "rm", "sleep", "tail", "touch")


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "a checkout"
    shutil.copytree(SCRIPTS, root / "scripts")
    for name in ("constraints.txt", "pyproject.toml"):
        (root / name).write_text("", encoding="utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name) or "/bin/false")
    python = os.path.realpath(sys.executable)
    (programs / "python3").symlink_to(python)
    (programs / "uv").write_text(UV.format(python=python), encoding="utf-8")
    (programs / "uv").chmod(0o755)
    return root


def start(checkout: Path, code: str = USE, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["/bin/bash", "-c", code],
        cwd=checkout,
        env={"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def use(checkout: Path, **variables: str) -> tuple[int, str, str]:
    process = start(checkout, **variables)
    output, errors = process.communicate()
    return process.returncode, output, errors


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text(encoding="utf-8").splitlines()


def test_the_first_use_installs_and_the_next_does_nothing(checkout):
    code, output, errors = use(checkout)
    assert code == 0, errors
    home = checkout / "var" / "dagster"
    assert output == f"{checkout}/.venv/bin/python|{home}|1|{checkout}/.venv/bin\n"
    assert (checkout / ".env").read_text(encoding="utf-8") == f"DAGSTER_HOME='{home}'\n"
    assert len(calls(checkout)) == 3
    assert use(checkout) == (0, output, "")
    assert len(calls(checkout)) == 3


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_changed_requirements_are_installed(checkout, name):
    use(checkout)
    (checkout / name).write_text("# changed\n", encoding="utf-8")
    assert use(checkout)[0] == 0
    assert len(calls(checkout)) == 5, "the two installations again, in the same environment"


def test_a_broken_environment_is_made_anew(checkout):
    use(checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent")
    assert use(checkout)[0] == 0
    assert len(calls(checkout)) == 6


def test_an_environment_that_was_moved_is_made_anew(checkout):
    use(checkout)
    moved = checkout.rename(checkout.parent / "moved")
    code, output, _ = use(moved)
    assert (code, output.split("|")[0]) == (0, f"{moved}/.venv/bin/python")
    assert len(calls(moved)) == 6


def test_two_at_once_install_once(checkout):
    processes = [start(checkout) for _ in range(4)]
    outcomes = [(process.communicate(), process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0] * 4, outcomes
    assert len(calls(checkout)) == 3


def test_a_failed_installation_says_why_and_is_tried_again(checkout):
    (checkout / "offline").touch()
    code, _, errors = use(checkout)
    assert code == 1
    assert "no route to host" in errors
    assert "What to do: Check the network" in errors
    (checkout / "offline").unlink()
    assert use(checkout)[0] == 0


def test_without_a_suitable_python_it_says_what_to_install(checkout):
    programs = checkout.parent / "bin"
    (programs / "uv").unlink()
    (programs / "python3").unlink()
    (programs / "python3").write_text("#!/bin/bash\necho Python 3.9.1; exit 1\n", encoding="utf-8")
    (programs / "python3").chmod(0o755)
    code, _, errors = use(checkout)
    assert code == 1
    assert "no Python from 3.11 to 3.14 was found (Python 3.9.1)" in errors
    assert "What to do: Install Python 3.13" in errors
    assert errors.count("\n") == 2


def test_an_environment_that_cannot_be_made_is_explained(checkout):
    programs = checkout.parent / "bin"
    (programs / "uv").unlink()
    python = programs / "python3"
    python.unlink()
    python.write_text(
        f'#!/bin/bash\n[[ "$*" == *ensurepip* || "$*" == *pip* ]] && exit 1\n'
        f'[[ "$*" == *sys.executable* ]] && echo "$0" && exit\n'
        f'exec {os.path.realpath(sys.executable)} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    code, _, errors = use(checkout)
    assert code == 1
    assert "has neither ensurepip nor pip" in errors
    assert "python3-venv" in errors


@pytest.mark.parametrize(
    ("configuration", "variables"),
    [
        ("", {}),
        ('home = "elsewhere"', {}),
        ('home = "~/elsewhere"', {}),
        ("", {"SYNC_HOME": "here"}),
        ('home = "elsewhere"', {"SYNC_HOME": "/srv/sync"}),
    ],
)
def test_the_home_is_the_one_of_the_settings(checkout, monkeypatch, configuration, variables):
    (checkout / "sync.toml").write_text(configuration, encoding="utf-8")
    _, output, errors = use(checkout, **variables)
    assert errors.count("What to do") == 0
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("HOME", str(checkout.parent))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert output.split("|")[1] == str(load_settings().dagster_home)


def test_other_lines_of_the_dotenv_stay(checkout):
    (checkout / ".env").write_text("MINE=1\nDAGSTER_HOME=/old\n", encoding="utf-8")
    use(checkout)
    home = checkout / "var" / "dagster"
    expected = f"MINE=1\nDAGSTER_HOME='{home}'\n"
    assert (checkout / ".env").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("name", ["setup", "run", "config", "evaluate"])
def test_each_script_explains_itself(name):
    module = f"sync_assets.commands.{name}"
    outcome = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0
    assert f"scripts/{name}" in outcome.stdout
    assert module in (SCRIPTS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["lock", "test"])
def test_scripts_without_a_module_explain_themselves(name):
    outcome = subprocess.run(
        [SCRIPTS / name, "--help"], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0
    assert f"Usage: scripts/{name}" in outcome.stdout


def test_a_home_that_only_the_environment_names_does_not_replace_the_checkouts_own(
    checkout, tmp_path
):
    (checkout / ".env").write_text("DAGSTER_HOME=/own\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-IS", "scripts/lib/environment_state.py"],
        cwd=checkout,
        env={**os.environ, "SYNC_HOME": str(tmp_path / "passing")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1] == str(tmp_path / "passing" / "dagster")
    assert (checkout / ".env").read_text(encoding="utf-8") == "DAGSTER_HOME=/own\n"
