"""What the doctor finds, made sick one thing at a time."""

import json
import resource
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from crawler import doctor


def only(check):
    return next(iter(doctor._run("it", check)))


def test_a_healthy_machine(crawl_here):
    done = crawl_here("doctor", "--json")
    checks = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}
    assert done.rc == 0
    wanted = ["python", "libraries", "lxml", "settings", "workers", "limits", "disk", "clock", "certificates"]
    assert {name: checks[name]["state"] for name in wanted} == dict.fromkeys(wanted, "ok")
    assert "extra socks" in checks
    assert not {"extra test", "extra lint", "extra docs"} & checks.keys()


def test_what_is_broken_is_shown_with_its_fix(crawl_here, monkeypatch):
    checks = [
        doctor.Check("a", "ok", "fine"),
        doctor.Check("b", "broken", "bad \x1b[31m", "type this"),
        doctor.Check("c", "absent", "not there", "pip install c"),
        doctor.Check("d", "warning", "narrow", "make room"),
    ]
    monkeypatch.setattr("crawler.doctor.examine", lambda: iter(checks))
    done = crawl_here("doctor")
    assert done.rc == 1
    assert done.stdout == (
        "✓ a                fine\n"
        "✗ b                bad \\x1b[31m\n"
        "                   type this\n"
        "– c                not there\n"
        "                   pip install c\n"
        "! d                narrow\n"
        "                   make room\n"
    )
    assert done.stderr == "crawl: 1 thing to repair (✗)\n"


@pytest.mark.parametrize(
    ("limits", "state", "fix"),
    [
        ((4096, 4096), "ok", ""),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), "ok", ""),
        ((512, 4096), "warning", "ulimit -n 1024"),
        ((64, 512), "broken", "ulimit -n 512"),
        ((64, 64), "broken", "the administrator may raise it (nofile in limits.conf)"),
    ],
)
def test_too_few_open_files(monkeypatch, limits, state, fix):
    monkeypatch.setattr("resource.getrlimit", lambda which: limits)
    check = doctor._files()
    assert (check.state, check.fix) == (state, fix)


@pytest.mark.parametrize(("free", "state"), [(5e9, "ok"), (5e8, "warning"), (5e7, "broken")])
def test_a_full_disk(monkeypatch, tmp_path, free, state):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=int(free)))
    check = doctor._disk()
    assert check.state == state
    assert ("crawl runs --prune" in check.fix) == (state != "ok")


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda place, mode: False)
    assert doctor._disk().state == "broken"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert only(doctor._temporary).fix == "TMPDIR=… names a folder that can be written"


def test_a_clock_before_its_time(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert doctor._clock().state == "broken"
    ahead = Path(doctor.__file__).stat().st_mtime + 30 * 366 * 86400
    monkeypatch.setattr("time.time", lambda: ahead)
    assert doctor._clock().state == "broken"


def test_a_clock_beside_that_of_the_file_system(monkeypatch):
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 60)
    assert doctor._clock().state == "warning"


def test_settings_that_cannot_be_used(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.crawl.politeness]\ndely = 3\n")
    check = only(doctor._settings)
    assert (check.state, check.fix) == ("broken", "did you mean politeness.delay?")
    assert "there is no setting 'politeness.dely'" in check.detail


def test_libraries_that_are_missing(monkeypatch):
    monkeypatch.setattr("crawler.doctor.requires", lambda name: [
        "requests>=2", "no-such-library[x]>=1", "old; python_version < '3.0'",
        "no-such-extra>=1; extra == 'web'", "no-such-tool; extra == 'lint'",
    ])  # fmt: skip
    (check,) = doctor._libraries()
    assert (check.state, check.fix) == ("broken", "python -m pip install no-such-library")
    extras = {check.name: check for check in doctor._extras()}
    assert extras["extra web"].state == "absent"
    assert extras["extra web"].fix == "pip install 'crawler[web]'"
    assert "extra lint" not in extras


def test_a_check_that_fails_is_broken():
    def explode():
        raise ImportError("lxml.so: wrong ELF class")

    assert only(explode) == doctor.Check(
        "it",
        "broken",
        "ImportError: lxml.so: wrong ELF class",
        "python -m pip install --force-reinstall crawler",
    )


def test_a_wrong_setting_is_told_once(monkeypatch):
    monkeypatch.setenv("CRAWL_POLITENESS_DELLAY", "1")
    found = list(doctor.examine())
    assert [check.name for check in found if check.state == "broken"] == ["settings"]
    assert "workers" not in [check.name for check in found]
