"""Fetches the Debian packages that hold the data. Needs apt's package lists (`apt-get update`) and, once, the network."""

import subprocess
from pathlib import Path

PACKAGES = ("sweethome3d-furniture", "fritzing-parts", "liblensfun-data-v1", "kicad-symbols")


def unpack(work: Path) -> dict[str, Path]:
    """Folder of each package's files. What is already in `work` is not fetched again."""
    work.mkdir(parents=True, exist_ok=True)
    folders = {}
    for package in PACKAGES:
        folder = work / package
        if not folder.exists():
            if not list(work.glob(f"{package}_*.deb")):
                subprocess.run(["apt-get", "download", package], cwd=work, check=True)
            (archive,) = work.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        folders[package] = folder
    return folders


def tail(copyright_file: Path, title: str) -> str:
    """The text from its title to the end of a copyright file that is not machine-readable."""
    text = copyright_file.read_text(encoding="utf-8")
    return text[text.index(title):].strip() + "\n"


def licence_texts(copyright_file: Path) -> dict[str, str]:
    """The stanzas `License: NAME` of a machine-readable copyright file that carry a text."""
    texts, name, body = {}, None, []
    for row in [*copyright_file.read_text(encoding="utf-8").splitlines(), ""]:
        if name and row.startswith(" "):
            body.append("" if row == " ." else row[1:])
            continue
        if name and body:
            texts.setdefault(name, "\n".join(body).strip() + "\n")
        name, body = None, []
        if row.startswith("License:"):
            name = row.removeprefix("License:").strip()
    return texts
