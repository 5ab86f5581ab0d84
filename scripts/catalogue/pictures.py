"""Pictures: pixels are turned into WebP with `rsvg-convert` and `cwebp`, and the main colour is read back from them."""

import colorsys
import subprocess
from collections import Counter
from pathlib import Path


class Pictures:
    """The folder `images/` while it is being filled. A picture is asked for by name and made once."""

    def __init__(self, folder: Path, work: Path):
        self.folder = folder
        self.work = work
        self.made: dict[str, bool] = {}
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)

    def drawing(self, name: str, svg: str) -> str:
        path = self.folder / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        self.made[path.name] = True
        return f"images/{path.name}"

    def png(self, name: str, data: bytes, quality: int = 80) -> str:
        source = self.work / f"{name}.png"
        source.write_bytes(data)
        return self._webp(name, source, quality)

    def svg(self, name: str, source: Path, pixels: int = 320, quality: int = 68) -> str | None:
        """The picture of an SVG file, or nothing when it cannot be drawn or shows nothing."""
        file = f"{name}.webp"
        if file not in self.made:
            png = self.work / f"{name}.png"
            size = ["-w", str(pixels), "-h", str(pixels), "--keep-aspect-ratio"]
            done = subprocess.run(["rsvg-convert", *size, "-o", png, source], capture_output=True)
            if done.returncode != 0:
                self.made[file] = False
            else:
                self._webp(name, png, quality)
                if not self._shows_something(file):
                    (self.folder / file).unlink()
                    self.made[file] = False
        return f"images/{file}" if self.made[file] else None

    def _webp(self, name: str, png: Path, quality: int) -> str:
        target = self.folder / f"{name}.webp"
        command = ["cwebp", "-quiet", "-m", "6", "-q", str(quality), "-alpha_q", "60", "-metadata", "none", png, "-o", target]
        subprocess.run(command, check=True)
        self.made[target.name] = True
        return f"images/{target.name}"

    def _pixels(self, file: str) -> list[tuple[int, int, int, int]]:
        pam = subprocess.run(["dwebp", "-quiet", "-pam", self.folder / file, "-o", "-"], capture_output=True, check=True).stdout
        data = pam[pam.index(b"ENDHDR\n") + 7 :]
        return list(zip(data[0::4], data[1::4], data[2::4], data[3::4]))

    def _shows_something(self, file: str) -> bool:
        pixels = self._pixels(file)
        opaque = [p for p in pixels if p[3] > 40]
        darkish = [p for p in opaque if min(p[:3]) < 235]
        return len(opaque) > 60 and len(darkish) > 40

    def colour(self, image: str) -> str:
        """The name of the colour that most of the good has."""
        votes = Counter(_name(*p[:3]) for p in self._pixels(image.removeprefix("images/")) if p[3] > 128)
        if not votes:
            return "white"
        for grey in ("grey", "black", "white"):  # shading adds these to a picture of any colour
            votes[grey] *= 0.55
        return max(sorted(votes), key=lambda name: votes[name])


def _name(red: int, green: int, blue: int) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    hue *= 360
    if value < 0.17:
        return "black"
    if saturation < 0.13:
        return "white" if value > 0.78 else "grey" if value > 0.28 else "black"
    if hue < 15 or hue >= 345:
        return "brown" if value < 0.55 and saturation < 0.75 else "pink" if saturation < 0.45 and value > 0.7 else "red"
    if hue < 48:
        if saturation < 0.38 and value > 0.62:
            return "beige"
        vivid = saturation > 0.75 and value > 0.6 if hue < 27 else saturation > 0.85 and value > 0.9
        return "orange" if vivid else "brown"
    if hue < 70:
        return "yellow" if value > 0.55 and saturation > 0.4 else "beige" if value > 0.6 else "green"
    if hue < 170:
        return "green"
    if hue < 260:
        return "blue" if saturation > 0.2 else "grey"
    return "purple" if hue < 315 else "pink"
