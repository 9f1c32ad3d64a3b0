"""Which Chromium drives the browser tests."""

from pathlib import Path

import pytest

from station.runtime import browser


@pytest.fixture
def _bare(monkeypatch, tmp_path):
    """A machine without any browser, and without rights to install one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "downloads"))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.usefixtures("_bare")
def test_without_chromium_it_is_said_loudly_and_ci_fails(monkeypatch, capsys):
    monkeypatch.setenv("CI", "")
    assert browser.main() == 0
    assert "浏览器测试不会运行" in capsys.readouterr().err
    monkeypatch.setenv("CI", "true")
    assert browser.main() == 1


@pytest.mark.usefixtures("_bare")
def test_the_machines_own_is_found_the_shell_before_it_and_a_named_one_goes_first(
    monkeypatch, tmp_path
):
    for name in ("chromium", "chromium-headless-shell"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert browser.find_chromium() == str(program)
    monkeypatch.setenv("CHROMIUM", "/opt/other")
    assert browser.find_chromium() == "/opt/other"


@pytest.mark.usefixtures("_bare")
def test_one_that_playwright_downloaded_will_do(tmp_path):
    for path in (
        "chromium-1200/chrome-linux/chrome",
        "chromium_headless_shell-1200/chrome-linux/headless_shell",
        "chromium_headless_shell-1201/chrome-headless-shell-linux64/chrome-headless-shell",
    ):
        program = tmp_path / "downloads" / path
        program.parent.mkdir(parents=True)
        program.write_text("")
        assert browser.find_chromium() == str(program)


@pytest.mark.usefixtures("_bare")
@pytest.mark.parametrize(("known", "program"), [(0, "chromium-headless-shell"), (100, "chromium")])
def test_root_installs_the_shell_where_there_is_such_a_package(
    monkeypatch, tmp_path, known, program
):
    for name, code in (("apt-get", 0), ("apt-cache", known)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    ran = []
    monkeypatch.setattr(browser, "run", lambda _, command, **__: ran.append(command))
    browser.install()
    assert ran[0] == ["apt-get", "update"]
    assert ran[1][-1] == program and browser.FONT in ran[1]


@pytest.mark.usefixtures("_bare")
def test_a_machine_without_chinese_letters_is_lent_ours(monkeypatch, tmp_path):
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    browser.lend_chinese_font(tmp_path / "var")
    text = (tmp_path / "var/fonts.conf").read_text()
    folder = text.split("<dir>")[1].split("</dir>")[0]
    assert list(Path(folder).rglob("*.otf"))
