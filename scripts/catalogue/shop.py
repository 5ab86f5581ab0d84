"""The tree of categories and the sellers. Written by hand; `check.py` sees that every product finds its own."""

CATEGORIES = (
    ("furniture", "Furniture", (
        ("armchairs", "Armchairs"), ("baby-and-children", "Baby and children"), ("beds", "Beds"), ("chairs", "Chairs"), ("desks", "Desks"),
        ("sofas", "Sofas"), ("stools-and-benches", "Stools and benches"), ("storage", "Wardrobes and storage"), ("tables", "Tables"))),
    ("kitchen", "Kitchen", (
        ("cabinets", "Kitchen cabinets"), ("food-and-drink", "Food and drink"), ("large-appliances", "Large appliances"),
        ("small-appliances", "Small appliances"), ("tableware-and-cookware", "Tableware and cookware"))),
    ("bathroom", "Bathroom", (("accessories", "Bathroom accessories"), ("fixtures", "Baths, basins and toilets"))),
    ("lighting", "Lighting", (("indoor", "Indoor lighting"), ("outdoor", "Outdoor lighting"))),
    ("decoration", "Decoration", (
        ("accents", "Vases, clocks and accents"), ("plants-and-flowers", "Plants and flowers"), ("rugs-and-mats", "Rugs and mats"))),
    ("garden", "Garden", (
        ("outdoor-furniture", "Outdoor furniture"), ("play", "Playground and games"), ("pools-and-spas", "Pools and spas"),
        ("trees-and-hedges", "Trees and hedges"))),
    ("building", "Building", (
        ("doors", "Doors"), ("electrics-and-safety", "Electrics and safety"), ("heating-and-cooling", "Heating and cooling"),
        ("stairs-and-railings", "Stairs and railings"), ("windows", "Windows and blinds"))),
    ("household", "Household", (("storage-and-cleaning", "Boxes, bins and cleaning"),)),
    ("tools-and-garden-care", "Tools and garden care", ()),
    ("leisure", "Leisure", (
        ("bags-and-travel", "Bags and travel"), ("music", "Musical instruments"), ("sports-and-cycling", "Sports and cycling"),
        ("toys-and-games", "Toys and games"))),
    ("clothing", "Clothing", (("accessories", "Watches, glasses and jewellery"), ("garments", "Garments"), ("shoes", "Shoes"))),
    ("electronics", "Consumer electronics", (("computers-and-phones", "Computers and phones"), ("tv-and-audio", "TV, audio and cameras"))),
    ("office", "Office", (("supplies", "Office supplies"),)),
    ("photo", "Photography", (
        ("action-cameras", "Action cameras and drones"), ("compact-cameras", "Compact cameras"), ("film-cameras", "Film cameras"),
        ("medium-format-cameras", "Medium format"), ("mirrorless-cameras", "Mirrorless cameras"), ("slr-cameras", "Digital SLR cameras"),
        ("smartphones", "Camera phones"),
        ("lenses", "Lenses", (
            ("fisheye", "Fisheye lenses"), ("macro", "Macro lenses"), ("standard", "Standard primes"), ("telephoto", "Telephoto primes"),
            ("wide-angle", "Wide-angle primes"), ("zoom-standard", "Standard zooms"), ("zoom-tele", "Telephoto zooms"), ("zoom-wide", "Wide-angle zooms"))))),
    ("maker", "Maker electronics", (
        ("audio", "Audio and buzzers"), ("boards", "Development boards"), ("connectors", "Connectors"), ("crystals-and-oscillators", "Crystals and oscillators"),
        ("displays", "Displays"), ("integrated-circuits", "Integrated circuits"), ("leds", "LEDs"), ("microcontrollers", "Microcontroller chips"),
        ("motor-drivers", "Motor drivers and robotics"), ("motors", "Motors and servos"), ("passives", "Resistors, capacitors, coils"),
        ("potentiometers", "Potentiometers"), ("power", "Batteries and power"), ("prototyping", "Breadboards and prototyping"), ("regulators", "Voltage regulators"),
        ("relays", "Relays"), ("sensors-and-breakouts", "Sensors and breakouts"), ("shields", "Shields"), ("switches-and-buttons", "Switches and buttons"),
        ("tools", "Meters and programmers"), ("transistors-and-diodes", "Transistors and diodes"), ("wireless", "Wireless modules"))),
    ("components", "Electronic components", (
        ("amplifiers", "Amplifiers and comparators"), ("analog-switches", "Analog switches"), ("audio", "Audio ICs"), ("circuit-protection", "Circuit protection"),
        ("data-converters", "Data converters"), ("diodes", "Diodes and bridges"), ("displays", "Displays"), ("drivers", "Drivers"), ("filters", "Filters"),
        ("interfaces", "Interfaces"), ("isolators", "Optocouplers and isolators"), ("leds", "LEDs"), ("logic", "Logic"), ("memory", "Memory"),
        ("microcontrollers", "Microcontrollers"), ("power-management", "Power management"), ("power-modules", "Power modules"),
        ("programmable-logic", "FPGAs and CPLDs"), ("relays", "Relays"), ("sensors", "Sensors"), ("timing", "Clocks and timers"), ("transformers", "Transformers"),
        ("transistors", "Transistors and thyristors"), ("voltage-references", "Voltage references"), ("voltage-regulators", "Voltage regulators"),
        ("wireless", "RF and wireless"))),
)

SELLERS = (
    ("casa-home", "Casa Home", "home@souk.example", "Furniture, kitchens, baths and everything else that makes a home."),
    ("green-terrace", "Green Terrace", "garden@souk.example", "Outdoor furniture, trees, pools and play for gardens and terraces."),
    ("lumen-photo", "Lumen Photo", "photo@souk.example", "Cameras and lenses, new and classic, for every mount."),
    ("workbench", "Workbench Makers", "makers@souk.example", "Boards, sensors and parts for people who build things."),
    ("circuit-wholesale", "Circuit Wholesale", "circuits@souk.example", "Distributor of microcontrollers, logic, memory and interfaces."),
    ("parts-harbour", "Parts Harbour", "parts@souk.example", "Distributor of power, analog, discrete and electromechanical components."),
)


def categories() -> list[dict[str, str | None]]:
    """The tree as a list in which parents come before their children; a slug is the whole path."""

    def walk(nodes: tuple, parent: str | None):
        for slug, name, *children in nodes:
            path = f"{parent}/{slug}" if parent else slug
            yield {"slug": path, "name": name, "parent": parent}
            yield from walk(children[0] if children else (), path)

    return list(walk(CATEGORIES, None))


def sellers() -> list[dict[str, str]]:
    return [dict(zip(("slug", "name", "email", "about"), seller)) for seller in SELLERS]
