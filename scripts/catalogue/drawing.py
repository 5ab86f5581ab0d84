"""Drawings for goods that have no picture: electronic packages, lenses and cameras, as small SVG without scripts or fonts
of their own. One drawing serves every good that looks the same."""

import hashlib

INK, BODY, EDGE, PIN, PALE = "#1f2328", "#2b2f36", "#14161a", "#b8bec6", "#eef1f4"


def _page(content: str, label: str, width: int = 320, height: int = 240) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{_text(label)}">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{content}</svg>\n'
    )


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _rect(x: float, y: float, w: float, h: float, fill: str, rx: float = 0) -> str:
    round_ = f' rx="{rx:g}"' if rx else ""
    return f'<rect x="{x:.4g}" y="{y:.4g}" width="{w:.4g}" height="{h:.4g}" fill="{fill}"{round_}/>'


def _circle(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:.4g}" cy="{y:.4g}" r="{r:.4g}" fill="{fill}"/>'


def _path(d: str, stroke: str, width: float) -> str:
    return f'<path d="{d}" stroke="{stroke}" stroke-width="{width:g}" fill="none"/>'


def _mark(x: float, y: float, text: str, size: float, fill: str = "#d8dde3") -> str:
    return (
        f'<text x="{x:.4g}" y="{y:.4g}" font-family="monospace" font-size="{size:.4g}" fill="{fill}" text-anchor="middle"'
        f' dominant-baseline="central">{_text(text)}</text>'
    )


def hue(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:2]) % 360


# --- electronic packages ---------------------------------------------------------------------------------------------


def package(family: str, pins: int, label: str) -> str:
    """A package seen from above; `family` is one of the words below, `label` is printed on it."""
    draw = {
        "dip": _dip, "so": _gull, "qfp": _quad, "qfn": _no_leads, "bga": _bga, "sot": _sot, "tab": _tab, "to92": _to92, "can": _can,
        "axial": _axial, "chip": _chip, "sip": _sip, "module": _module, "display": _display, "bridge": _bridge,
    }[family]
    return _page(draw(max(2, pins), label), f"{label} package")


def _label_size(label: str, room: float) -> float:
    return min(22, room / max(1, len(label)) / 0.62)


def _two_sides(pins: int, label: str, pin_length: float, pin_share: float, height: float) -> str:
    side = max(1, (pins + 1) // 2)
    pitch = min(30, 264 / side)
    width = max(60, side * pitch + 6)
    x, y = 160 - width / 2, 120 - height / 2
    parts = []
    for n in range(side):
        px = 160 + (n - (side - 1) / 2) * pitch - pitch * pin_share / 2
        parts.append(_rect(px, y - pin_length, pitch * pin_share, height + 2 * pin_length, PIN))
    parts += [_rect(x, y, width, height, BODY, 4), _circle(x + 13, y + height - 14, 5, EDGE)]
    return "".join(parts) + _mark(160, 120, label, _label_size(label, width - 16))


def _dip(pins: int, label: str) -> str:
    notch = f'<path d="M{160 - max(60, (pins + 1) // 2 * min(30, 264 / max(1, (pins + 1) // 2)) + 6) / 2:.4g} 108a12 12 0 0 1 0 24z" fill="{EDGE}"/>'
    return _two_sides(pins, label, 26, 0.5, 96) + notch


def _gull(pins: int, label: str) -> str:
    return _two_sides(pins, label, 20, 0.38, 104)


def _quad(pins: int, label: str) -> str:
    side = max(2, round(pins / 4))
    pitch = 150 / side
    parts = []
    for n in range(side):
        at = 120 + (n - (side - 1) / 2) * pitch - pitch * 0.28
        parts += [_rect(at + 40, 20, pitch * 0.56, 200, PIN), _rect(60, at, 200, pitch * 0.56, PIN)]
    parts += [_rect(78, 38, 164, 164, BODY, 6), _circle(96, 184, 6, EDGE)]
    return "".join(parts) + _mark(160, 120, label, _label_size(label, 146))


def _no_leads(pins: int, label: str) -> str:
    side = max(1, round(pins / 4))
    pitch = 132 / side
    parts = [_rect(72, 32, 176, 176, BODY, 5)]
    for n in range(side):
        at = (n - (side - 1) / 2) * pitch - pitch * 0.25
        for x, y, w, h in ((160 + at, 32, pitch * 0.5, 11), (160 + at, 197, pitch * 0.5, 11), (72, 120 + at, 11, pitch * 0.5),
                           (237, 120 + at, 11, pitch * 0.5)):
            parts.append(_rect(x, y, w, h, PIN))
    return "".join(parts) + _circle(98, 182, 6, EDGE) + _mark(160, 120, label, _label_size(label, 140))


def _bga(pins: int, label: str) -> str:
    side = max(2, min(16, round(pins**0.5)))
    pitch = 168 / side
    dots = "".join(
        f'<circle cx="{76 + pitch * (c + 0.5):.4g}" cy="{36 + pitch * (r + 0.5):.4g}" r="{pitch * 0.3:.3g}"/>'
        for r in range(side) for c in range(side) if side < 9 or min(r, c, side - 1 - r, side - 1 - c) < 4
    )
    return (
        _rect(66, 26, 188, 188, "#2f5d50", 5) + f'<g fill="{PIN}">{dots}</g>' + _rect(100, 104, 120, 32, BODY, 4)
        + _mark(160, 120, label, _label_size(label, 112))
    )


def _sot(pins: int, label: str) -> str:
    lower = (pins + 1) // 2 if pins != 4 else 3
    upper = max(1, pins - lower)
    parts = []
    for count, y in ((upper, 44), (lower, 158)):
        wide = 70 if pins == 4 and count == 1 else 22
        for n in range(count):
            spot = 160 + (n - (count - 1) / 2) * (108 / max(1, count - 1) if count > 1 else 0)
            parts.append(_rect(spot - wide / 2, y, wide, 38, PIN, 2))
    return "".join(parts) + _rect(80, 76, 160, 88, BODY, 6) + _circle(96, 148, 5, EDGE) + _mark(160, 118, label, _label_size(label, 140))


def _tab(pins: int, label: str) -> str:
    count = max(2, min(15, pins))
    pitch = 110 / max(2, count - 1)
    legs = "".join(_rect(160 + (n - (count - 1) / 2) * pitch - 5, 150, min(10, pitch * 0.6), 72, PIN) for n in range(count))
    return legs + _rect(92, 14, 136, 66, "#a3abb5", 4) + _circle(160, 40, 14, "#f6f8fa") + _rect(88, 66, 144, 92, BODY, 3) + _mark(
        160, 112, label, _label_size(label, 130))


def _to92(pins: int, label: str) -> str:
    legs = "".join(_rect(160 + (n - 1) * 34 - 5, 126, 10, 98, PIN) for n in range(3))
    return legs + f'<path d="M92 134V66a24 24 0 0 1 24-24h88a24 24 0 0 1 24 24v68z" fill="{BODY}"/>' + _mark(
        160, 90, label, _label_size(label, 120))


def _can(pins: int, label: str) -> str:
    return _circle(160, 120, 92, "#8f97a1") + _circle(160, 120, 78, "#c3c9d1") + _rect(232, 36, 22, 22, "#8f97a1", 2) + _mark(
        160, 120, label, _label_size(label, 130), INK)


def _axial(pins: int, label: str) -> str:
    return _rect(14, 116, 292, 8, PIN) + _rect(90, 84, 140, 72, BODY, 10) + _rect(200, 84, 16, 72, PALE) + _mark(
        145, 120, label, _label_size(label, 96))


def _chip(pins: int, label: str) -> str:
    return _rect(48, 88, 40, 64, PIN, 3) + _rect(232, 88, 40, 64, PIN, 3) + _rect(70, 70, 180, 100, BODY, 6) + _rect(
        76, 70, 14, 100, PALE) + _mark(168, 120, label, _label_size(label, 140))


def _sip(pins: int, label: str) -> str:
    count = max(2, min(24, pins))
    pitch = 230 / count
    legs = "".join(_rect(160 + (n - (count - 1) / 2) * pitch - 4, 150, min(8, pitch * 0.5), 68, PIN) for n in range(count))
    return legs + _rect(34, 44, 252, 112, BODY, 4) + _mark(160, 100, label, _label_size(label, 230))


def _module(pins: int, label: str) -> str:
    pads = "".join(_rect(44 + n * 24, y, 12, 16, "#d9a93f") for n in range(10) for y in (30, 194))
    return pads + _rect(38, 38, 244, 164, "#23303f", 8) + _rect(54, 54, 212, 132, "#344658", 6) + _mark(
        160, 120, label, _label_size(label, 196))


def _display(pins: int, label: str) -> str:
    return _rect(24, 50, 272, 140, BODY, 6) + _rect(44, 74, 232, 84, "#b7cf8c", 3) + _mark(160, 116, label, _label_size(label, 210), INK)


def _bridge(pins: int, label: str) -> str:
    return "".join(_rect(92 + n * 44, 150, 10, 70, PIN) for n in range(4)) + _rect(70, 40, 180, 116, BODY, 16) + _mark(
        160, 108, label, _label_size(label, 150)) + _mark(97, 138, "+", 18) + _mark(229, 138, "−", 18)


# --- lenses and cameras ----------------------------------------------------------------------------------------------


def lens(focal: float, aperture: float, brand: str, engraved: str, zoom: bool) -> str:
    """A lens from the side: as long as its focal length asks for, as wide as its aperture, with a ring in its brand's colour."""
    length = max(70, min(250, 34 + 44 * (1 + focal) ** 0.28 + focal * 0.22))
    front = max(74, min(176, 62 + focal / max(aperture, 0.9) * 0.95))
    barrel = max(70, min(front, 96 + front * 0.12))
    x, ring = 160 - length / 2, f"hsl({hue(brand)} 65% 48%)"
    split = x + length * 0.58
    ribs = "".join(_rect(x + length * 0.2 + n * length * 0.035, 120 - barrel / 2, length * 0.016, barrel, "#3d434c") for n in range(7))
    if zoom:
        ribs += "".join(_rect(split - length * 0.1 + n * length * 0.03, 120 - barrel / 2, length * 0.014, barrel, "#4a515b") for n in range(4))
    front_part = (
        f'<path d="M{split:.4g} {120 - barrel / 2:.4g}L{x + length - 24:.4g} {120 - front / 2:.4g}h24v{front:.4g}h-24L{split:.4g}'
        f' {120 + barrel / 2:.4g}z" fill="#23272e"/>'
    )
    return _page(
        _rect(x - 12, 120 - 29, 14, 58, PIN, 2) + _rect(x, 120 - barrel / 2, length * 0.6, barrel, BODY, 5) + ribs + front_part
        + _rect(x + length - 20, 120 - front / 2, 6, front, ring)
        + f'<ellipse cx="{x + length:.4g}" cy="120" rx="9" ry="{front / 2 - 5:.4g}" fill="#5b7f9f" opacity=".85"/>'
        + _mark(160, 222, engraved, min(17, 520 / max(1, len(engraved))), INK),
        f"{engraved} lens",
    )


def camera(kind: str, brand: str) -> str:
    """The outline of a camera of that kind, with a stripe in its brand's colour."""
    tint = f"hsl({hue(brand)} 55% 45%)"
    if kind == "smartphone":
        body = _rect(112, 20, 96, 200, INK, 14) + _rect(118, 34, 84, 172, "#4b6a88", 4) + _circle(190, 52, 9, "#0d1117")
        return _page(body + _rect(118, 196, 84, 10, tint), "smartphone camera")
    if kind == "action":
        body = _rect(88, 56, 144, 128, BODY, 12) + _circle(186, 104, 34, EDGE) + _circle(186, 104, 22, "#5b7f9f")
        return _page(body + _rect(104, 76, 44, 32, "#4b6a88", 3) + _rect(88, 168, 144, 8, tint), "action camera")
    if kind == "drone":
        arms = _path("M70 60L250 180M250 60L70 180", "#5b626c", 10)
        rotors = "".join(_circle(x, y, 30, "#c3c9d1") for x in (70, 250) for y in (60, 180))
        return _page(arms + rotors + _rect(116, 92, 88, 56, BODY, 12) + _circle(160, 128, 15, "#5b7f9f") + _rect(116, 96, 88, 6, tint), "camera drone")
    if kind == "compact":
        body = _rect(52, 70, 216, 116, "#8f97a1", 14) + _rect(204, 58, 36, 14, "#6b737d", 4) + _rect(66, 82, 34, 16, PALE, 3)
        return _page(body + _circle(166, 130, 46, BODY) + _circle(166, 130, 30, "#5b7f9f") + _rect(52, 170, 216, 6, tint), "compact camera")
    if kind == "medium-format":
        body = _rect(60, 40, 200, 164, BODY, 6) + _rect(96, 20, 128, 26, "#3d434c", 4)
    elif kind == "mirrorless":
        body = _rect(48, 72, 224, 122, BODY, 10) + _rect(210, 60, 40, 14, "#3d434c", 4) + _rect(66, 62, 28, 12, "#3d434c", 3)
    else:  # single-lens reflex, on film or not
        body = _rect(40, 76, 240, 126, BODY if kind == "slr" else "#8f97a1", 14) + f'<path d="M112 78l16-40h64l16 40z" fill="#3d434c"/>'
        body += _rect(222, 62, 40, 16, "#3d434c", 4)
    stripe = _rect(60, 182, 200, 6, tint) if kind == "medium-format" else _rect(48, 182, 224, 6, tint)
    return _page(body + _circle(160, 134, 58, "#3d434c") + _circle(160, 134, 46, EDGE) + _circle(160, 134, 32, "#5b7f9f")
                 + _circle(150, 122, 9, "#a9c4da") + stripe, f"{kind} camera")
