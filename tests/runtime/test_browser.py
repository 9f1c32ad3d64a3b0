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
def test_the_machines_own_is_found_and_a_named_one_goes_first(monkeypatch, tmp_path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert browser.find_chromium() == str(program)
    monkeypatch.setenv("CHROMIUM", "/opt/other")
    assert browser.find_chromium() == "/opt/other"


@pytest.mark.usefixtures("_bare")
def test_one_that_playwright_downloaded_will_do(tmp_path):
    program = tmp_path / "downloads/chromium-1200/chrome-linux/chrome"
    program.parent.mkdir(parents=True)
    program.write_text("")
    assert browser.find_chromium() == str(program)


@pytest.mark.usefixtures("_bare")
def test_a_machine_without_chinese_letters_is_lent_ours(monkeypatch, tmp_path):
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    browser.lend_chinese_font(tmp_path / "var")
    text = (tmp_path / "var/fonts.conf").read_text()
    folder = text.split("<dir>")[1].split("</dir>")[0]
    assert list(Path(folder).rglob("*.otf"))
