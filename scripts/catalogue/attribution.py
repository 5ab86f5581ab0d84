"""Who made what is shown, under which licence, and what was changed."""

from collections import Counter
from pathlib import Path

from common import Product
from packages import licence_texts, tail

TEXTS = {  # file to write → package, names of the stanza in its copyright file
    "CC-BY-3.0-US.txt": ("sweethome3d-furniture", ("CC-BY-3.0-USA",)),
    "CC-BY-3.0.txt": ("sweethome3d-furniture", ("CC-BY-3.0",)),
    "CC0-1.0.txt": ("sweethome3d-furniture", ("CC0",)),
    "CC-BY-SA-4.0.txt": ("kicad-symbols", ("CC-BY-SA-4.0-with-exception",)),
}

LICENSE = """This folder is a collection of data and pictures from several free works. As a whole it is licensed under the
Creative Commons Attribution-ShareAlike 4.0 International licence (https://creativecommons.org/licenses/by-sa/4.0/).
It is not covered by the licence of the program around it.

Each good names its source in the field `source` of products.jsonl, and keeps that source's licence:

  Sweet Home 3D furniture, Scopia             CC BY 3.0        https://creativecommons.org/licenses/by/3.0/
  Sweet Home 3D furniture, Kator Legaz        CC BY 3.0 US     https://creativecommons.org/licenses/by/3.0/us/
  Sweet Home 3D furniture, Blend Swap         CC BY 3.0        https://creativecommons.org/licenses/by/3.0/
  Sweet Home 3D furniture, Blend Swap         CC0 1.0          https://creativecommons.org/publicdomain/zero/1.0/
  Fritzing parts library                      CC BY-SA 3.0     https://creativecommons.org/licenses/by-sa/3.0/
  Lensfun database                            CC BY-SA 3.0     https://creativecommons.org/licenses/by-sa/3.0/
  KiCad symbol library                        CC BY-SA 4.0, with the exception quoted in ATTRIBUTION.md
  Drawings named camera-*, lens-*, package-*  CC BY-SA 4.0     made by scripts/catalogue for this catalogue

The texts that came with the sources are in the folder licenses/. Authors and changes are named in ATTRIBUTION.md.
"""

TEMPLATE = """# Where the demo catalogue comes from

The goods are real, or modelled on real ones; the shop is not. **Prices, stock, most weights, sellers and the colour names of
furniture are invented or derived** by `scripts/catalogue`, nobody offers these goods at these prices, and no maker, brand or author
named here has to do with this catalogue or endorses it. Brands and product names belong to their owners and are used to say what a
thing is. For Sweet Home 3D's furniture the author of the 3D model stands in for a brand.

Every line of `products.jsonl` names its `source` and `author`.

| source | goods | licence | authors | taken from |
| --- | --: | --- | --- | --- |
{rows}

## What was changed

- **Sweet Home 3D furniture** (Copyright © 2003–2008 Andrew Kator & Jennifer Legaz; © 2008–2020 Emmanuel Puybaret / eTeks
  <https://www.sweethome3d.com/> and Scopia Visual Interfaces Systems, s.l. <http://www.scopia.es>; the contributors of Blend Swap
  <https://www.blendswap.com>): names were corrected, titles got the size, descriptions were put together from name, size, colour and
  tags, categories were reordered, pictures were turned from PNG into WebP. People, animals, road paint, cars, lorries and money were left out.
- **Fritzing parts** (Copyright © 2007–2013 University of Applied Sciences Potsdam; © 2013–2015 Friends-of-Fritzing foundation and
  IXDS; the authors below; <https://fritzing.org>): titles of CAD libraries were made readable, HTML, links and remarks about footprints
  were removed from descriptions, drawings of the breadboard view were turned into WebP of 320 pixels. Generic, unproven and etched parts
  and logos were left out, as were parts that differ in their drawing alone.
- **Lensfun database** (Copyright © 2005–2021 Andrew Zabolotny and the Lensfun contributors; Tom Niemann's PTLens database;
  <https://lensfun.github.io>): focal length and aperture were read from the names, a lens for several mounts became a variant for each.
  Calibration data and fixed lenses of compact cameras were left out. The pictures are drawings made for this catalogue.
- **KiCad symbols** (Copyright © 2022 KiCad Community; <https://kicad.github.io/symbols/>): a selection, with the maker
  taken from the host of the data sheet. Symbols were left out. The pictures are drawings made for this catalogue. The licence carries this
  exception: "To the extent that the creation of electronic designs that use 'Licensed Material' can be considered to be 'Adapted
  Material', then the copyright holder waives article 3 of the license with respect to these designs and any generated files which
  use data provided as part of the 'Licensed Material'."

## Authors

{authors}
"""

ORIGIN = {
    "Sweet Home 3D": "Debian package sweethome3d-furniture 1.8", "Fritzing": "Debian package fritzing-parts 0.9.6",
    "Lensfun": "Debian package liblensfun-data-v1 0.3.3", "KiCad": "Debian package kicad-symbols 6.0.10",
}


def write(folder: Path, products: list[Product], packages: dict[str, Path]) -> None:
    counts = Counter(product.source for product in products)
    names: dict[str, set[str]] = {}
    for product in products:
        names.setdefault(product.source, set()).add(product.author)
    rows, authors = [], []
    for source in sorted(counts):
        name, licence = source.rstrip(")").split(" (", 1)
        people = sorted(names[source], key=lambda name: (name.lower(), name))
        origin = next(text for start, text in ORIGIN.items() if name.startswith(start))
        rows.append(f"| {name} | {counts[source]} | {licence} | {people[0] if len(people) == 1 else f'{len(people)}, see below'} | {origin} |")
        if len(people) > 1:
            authors.append(f"**{name}** ({licence}): {'; '.join(people)}.")
    text = TEMPLATE.format(rows="\n".join(rows), authors="\n\n".join(authors))
    (folder / "ATTRIBUTION.md").write_text(text, encoding="utf-8")
    (folder / "LICENSE").write_text(LICENSE, encoding="utf-8")
    shelf = folder / "licenses"
    shelf.mkdir(exist_ok=True)
    for file, (package, stanzas) in TEXTS.items():
        texts = licence_texts(packages[package] / f"usr/share/doc/{package}/copyright")
        if found := next((texts[name] for name in stanzas if name in texts), None):
            (shelf / file).write_text(found, encoding="utf-8")
    lensfun = packages["liblensfun-data-v1"] / "usr/share/doc/liblensfun-data-v1/copyright"
    share_alike = tail(lensfun, "Creative Commons Attribution-Share Alike 3.0 Unported License")
    (shelf / "CC-BY-SA-3.0.txt").write_text(share_alike, encoding="utf-8")
