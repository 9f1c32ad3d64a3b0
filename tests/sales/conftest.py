"""Where the papers of these tests come out."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def papers(tmp_path: Path, settings) -> Path:
    """The folder that printers of kind FILE may write to, empty at first."""
    settings.VAR_DIR = tmp_path
    folder = tmp_path / "receipts"
    folder.mkdir()
    return folder
