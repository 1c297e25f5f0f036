"""What is shipped: the wheel, the lock, who owns which name, and that the configuration examples are true."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("service", "dicom_scp", "inference", "models")
LOCKS = ("cpu", "gpu", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXAMPLE = ROOT / "deploy" / "scanside.toml"


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel and give the names in it."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def git(*words: str) -> str:
    """Ask git about this checkout; skips where there is none."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, or no git")
    return run("git", *words).stdout


def tracked() -> Iterator[str]:
    yield from (name for name in git("ls-files", *PACKAGES).splitlines() if (ROOT / name).exists())


def test_the_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    assert [name for name in tracked() if name not in wheel] == []


def test_the_wheel_holds_a_released_model_with_its_card_and_the_console(wheel: set[str]) -> None:
    models = {name.split("/")[2] for name in wheel if name.startswith("models/released/")}
    assert models
    for model in models:
        assert {
            f"models/released/{model}/{file}" for file in ("model.onnx", "card.toml", "README.md")
        } <= wheel
    assert any(name.startswith("service/web/static/") for name in wheel)
    assert any(name.startswith("service/migrations/") for name in wheel)


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {*PACKAGES, f"scanside-{PROJECT['version']}.dist-info"}
    assert not [name for name in wheel if "__pycache__" in name or "/tests/" in name]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_top_level_name_has_one_owner(name: str) -> None:
    assert set(packages_distributions().get(name, ["scanside"])) == {"scanside"}
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).parents[1] == ROOT


def test_the_installed_version_is_that_of_the_project() -> None:
    assert version("scanside") == PROJECT["version"]


def test_the_project_cannot_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


def test_who_may_import_whom_holds() -> None:
    checked = run(Path(sys.executable).with_name("lint-imports"), "--no-cache")
    assert checked.returncode == 0, checked.stdout


def test_git_does_not_ignore_released_models() -> None:
    release = "models/released/any-1.0.0"
    assert git("check-ignore", f"{release}/model.onnx", f"{release}/card.toml") == ""


def requirements(lock: str) -> dict[str, list[str]]:
    """Give each requirement line of a lock with its hashes; fails at any other line."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "deploy" / "lock" / f"{lock}.txt").read_text().splitlines():
        if match := re.fullmatch(r"([a-z0-9][a-z0-9-]*(\[[a-z0-9,-]+\])?==[A-Za-z0-9.]+)( ; .+)? \\", line):
            name = match[1]
            found[name] = []
        elif match := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})( \\)?", line):
            found[name].append(match[1])
        else:
            assert re.fullmatch(r"\s+# .*", line), line
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_pinned_and_hashed_and_names_no_place(lock: str) -> None:
    pinned = requirements(lock)
    assert pinned
    assert all(pinned.values())
    text = (ROOT / "deploy" / "lock" / f"{lock}.txt").read_text()
    assert not re.search(r"://|--index|--find-links|--extra-index", text)


def names(lock: str) -> set[str]:
    return {re.split(r"[\[=]", line)[0] for line in requirements(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_the_project_asks_for(lock: str) -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"][lock]
    assert {re.split(r"[\[>=<]", line)[0] for line in wanted} <= names(lock)


def test_the_two_runtimes_of_one_import_name_never_meet() -> None:
    assert {lock: sorted(n for n in names(lock) if n.startswith("onnxruntime")) for lock in LOCKS} == {
        "cpu": ["onnxruntime"],
        "gpu": ["onnxruntime-gpu"],
        "dev": [],
    }


def test_the_locks_agree_and_what_makes_models_is_outside() -> None:
    pins = [dict(line.split("==") for line in requirements(lock)) for lock in LOCKS]
    for name in set().union(*pins):
        assert len({pin[name] for pin in pins if name in pin}) == 1, name
    assert "torch" not in set().union(*pins)


def test_the_example_of_a_configuration_names_every_setting_with_its_default() -> None:
    text = EXAMPLE.read_text()
    lines = [
        line.removeprefix("#").strip() if re.match(r"#[a-z_\[]", line) else line for line in text.splitlines()
    ]
    told = tomllib.loads("\n".join(lines))
    secrets = {"key", "database_url"}
    assert set(told) == set(Settings.model_fields) - secrets
    assert all(secret in text for secret in secrets)
    optional = ("http_names", "http_certificate", "http_key", "tls", "dicomweb")  # off unless set
    named = ("rules_file", "console_url", "alert", "tls_profile")  # of the site, too
    examples = {
        name: told.pop(name) for name in ("destination", "scanner", "allow", "profile", *optional, *named)
    }
    assert Settings.model_validate(told) == Settings()
    assert Settings.model_validate(examples).destination


def test_the_example_as_it_stands_changes_nothing() -> None:
    assert Settings.model_validate(tomllib.loads(EXAMPLE.read_text())) == Settings()


def test_the_configuration_of_the_test_pacs_is_plain_json() -> None:
    assert json.loads((ROOT / "orthanc" / "orthanc.json").read_text())["DicomAet"] == "ORTHANC"


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"^ *make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= shown
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert shown <= targets


@pytest.mark.parametrize(
    ("says", "extra"),
    [
        ("580.95.05", "gpu"),
        ("610.1", "gpu"),
        ("575.64", "cpu"),
        ("NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.", "cpu"),
        ("", "cpu"),
    ],
)
def test_make_takes_the_gpu_only_where_the_driver_is_new_enough(
    says: str, extra: str, tmp_path: Path
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{says}'\n")
    tool.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    plan = run("make", "--dry-run", "--always-make", "venv", PATH=path)
    assert f"--require-hashes -r deploy/lock/{extra}.txt" in plan.stdout, plan.stderr


@pytest.mark.parametrize("script", [".ci/run"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert run("bash", "-n", script).returncode == 0
