"""What a piece of furniture is: the first expression that is found in its name gives category, prices and weight."""

LEFT_OUT = (
    # Not goods that a shop ships: paint on roads, money, buildings' parts, whole trees' and people's models, lorries and cars.
    r"^(arrow|bill \d|parking slot|pedestrian crossing|rail crossing|rails$|concrete sidewalk|elevator|escalator|street light$"
    r"|bus$|city bus|truck|van$|chevrolet|concept sedan|ford focus|peugeot|renault|seat leon|smart car|suv$|vw new|fork lift"
    r"|yamaha|shipping container|snowman|contemporary living room|fire hydrant|porch column)"
)

BETTER_NAMES = {
    "Barnum": "Party tent",
    "Bended coconut tree": "Bent coconut tree",
    "Car model": "Wooden model car",
    "Boiler": "Kettle",
    "Card game": "Deck of cards",
    "CCTV": "CCTV camera",
    "Child chair": "Child's chair",
    "Children chair": "Child's chair",
    "Children table": "Child's table",
    "Tool": "Kitchen tool",
    "Children game": "Playground tower",
    "Cup cake": "Cupcake",
    "Entry bell ring": "Door bell",
    "Entry speech unit": "Door speech unit",
    "Flipper": "Pinball machine",
    "Gaz water heater": "Gas water heater",
    "Hashtray": "Ashtray",
    "Letters box": "Letter box",
    "Lip stick": "Lipstick",
    "Little bank": "Little bench",
    "Locked locker": "Locker",
    "Mocassin": "Moccasins",
    "Motorbike": "Spring rider motorbike",
    "Opened convertible sofa BZ": "Convertible sofa, opened",
    "Convertible sofa BZ": "Convertible sofa",
    "Puff": "Pouf",
    "Rigged fan": "Fan",
    "Roasted chicken": "Roast chicken",
    "Short": "Shorts",
    "Socket": "Socks",
    "Teck chair": "Teak chair",
    "Toilets unit": "Toilet",
    "TV 16:9": "16:9 television",
    "Trunck": "Trunk",
    "Wood bank": "Wooden bench",
    "Woman shoes": "Women's shoes",
    "Keyboard": "MIDI keyboard",
}

# expression, category, euros from and to, kilograms per cubic metre of the outer box
KINDS = (
    (r"^apples|butter|bread$|bowl with|cupcake|french fries|hamburger|hot dog|milk|roast|steak|sugar|sushi|birthday cake|yogurt",
     "kitchen/food-and-drink", 2, 18, 400),
    (r"beer bottle|wine bottle|oil servers", "kitchen/food-and-drink", 3, 25, 700),
    (r"^(acacia|bamboo|bent coconut|coconut|blue pine|bush|copper beech|cypress|ficus|japanese maple|palm|peach blossom|pine|poplar"
     r"|sycamore|hedge|high hedge)", "garden/trees-and-hedges", 18, 220, 0.5),
    (r"cactus|bonsai|plant$|orchids|tulips|flowers$|yucca|spathiphyllum|lily|flower box|plant box|christmas tree|succulent",
     "decoration/plants-and-flowers", 8, 70, 35),
    (r"seesaw|sandpit|child hut|child swing|playground|spring rider|trampoline|football goal|basketball net|diving board",
     "garden/play", 60, 700, 15),
    (r"swimming pool|jacuzzi", "garden/pools-and-spas", 90, 4200, 12),
    (r"beach chair|cafe chair|cafe table|deck chair|hammock|rattan|relax chair|teak chair|pool lounge|painted bench|concrete bench"
     r"|wooden bench|little bench|garden umbrella|camping tent|party tent|garden hut", "garden/outdoor-furniture", 35, 600, 25),
    (r"television cabinet", "furniture/storage", 90, 600, 60),
    (r"open cardboard box", "household/storage-and-cleaning", 2, 12, 20),
    (r"toilet paper dispenser", "bathroom/accessories", 8, 40, 120),
    (r"shower curtain", "bathroom/accessories", 12, 45, 3),
    (r"lamppost|park light|porch light|street lamp|outdoor lamp|camping lamp", "lighting/outdoor", 25, 420, 30),
    (r"lamp|light|candle|chandelier|lantern|fluorescent|spotlight", "lighting/indoor", 9, 190, 35),
    (r"air condition|radiator|furnace|fireplace|water heater|table fan|ceiling fan|^fan|chimney|wood logs",
     "building/heating-and-cooling", 45, 900, 120),
    (r"switch|plug|socket|smoke detector|intercom|surveillance|cctv|thermometer|door bell|speech unit|number lock|emergency sign"
     r"|extinguisher", "building/electrics-and-safety", 6, 90, 300),
    (r"window shutter|window blind|curtain$", "building/windows", 20, 140, 20),
    (r"window|velux", "building/windows", 150, 900, 45),
    (r"shower door|shower stall", "bathroom/fixtures", 180, 1100, 20),
    (r"door$|door with|(interior|exterior|glass|double|garage|screen) door(?! cabinet)", "building/doors", 110, 1500, 55),
    (r"staircase|railing|fence|porch column|step ladder|ladder", "building/stairs-and-railings", 30, 700, 30),
    (r"basin|bath$|bathtub|bidet|vanity|toilet$|urinal|washbasin|lavatory|shower head|shower curtain",
     "bathroom/fixtures", 60, 900, 60),
    (r"fridge|refrigerator|freezer|washing machine|dryer machine|oven|cooker|cooktop|stove|hood|microwave",
     "kitchen/large-appliances", 110, 1400, 180),
    (r"blender|kettle|coffee (brewer|machine|maker)|fryer|scale|mixer|sandwich maker|stone grill|toaster|espresso|water cooler",
     "kitchen/small-appliances", 18, 320, 150),
    (r"(lower|upper|sink|corner|glass door|high|drawers) .*cabinet|drawers cabinet|high cabinet|island$|island extension|^sink",
     "kitchen/cabinets", 70, 650, 110),
    (r"spring|doll|toy|biplane|model car|teddy|puzzle|rubik|xylophone|rocking horse|chessboard|deck of cards|dart game|football table"
     r"|pool table|pinball", "leisure/toys-and-games", 7, 90, 90),
    (r"ball|racket|table tennis|tennis|treadmill|fitness|abdominal|indoor bike|rowboat|skateboard|bike|bicycle|tricycle|scooter|helmet",
     "leisure/sports-and-cycling", 15, 420, 40),
    (r"sleeping bag|air mattress|backpack|suitcase|briefcase|handbag|umbrella$", "leisure/bags-and-travel", 18, 140, 25),
    (r"piano|guitar|midi", "leisure/music", 90, 2600, 110),
    (r"crib|baby|potty|changing table|stroller|child bed|wheelchair", "furniture/baby-and-children", 25, 320, 35),
    (r"bootie|shoes|sneakers|slippers|moccasins", "clothing/shoes", 18, 120, 60),
    (r"^(cap|dress|glove|hat|jacket|shorts|skirt|socks|suit|trousers|folded clothes|hanging clothes)$", "clothing/garments", 9, 140, 60),
    (r"watch|^ring$|glasses$|sunglasses", "clothing/accessories", 15, 190, 300),
    (r"drill|grinder|hammer|pliers|screwdriver|saw$|shovel|wheelbarrow|mower|workbench|tape|hose reel|garden faucet|spray bottle|barrel"
     r"|pallet", "tools-and-garden-care", 8, 180, 90),
    (r"laptop|ibook|imac|printer|tablet|iphone|mobile phone|phone$|joystick|playstation", "electronics/computers-and-phones", 40, 900, 300),
    (r"television|tv$|wall flat tv|speaker|stereo|radio|mp3|dvd|video projector|headphones|remote control|camera",
     "electronics/tv-and-audio", 30, 900, 120),
    (r"bar chair|bar stool|stool|pouf|ottoman|piano bench|^bench|^stool", "furniture/stools-and-benches", 25, 190, 40),
    (r"armchair", "furniture/armchairs", 120, 780, 40),
    (r"chair|class seat", "furniture/chairs", 40, 300, 32),
    (r"sofa|couch|day bed", "furniture/sofas", 280, 2200, 35),
    (r"bedside|coffee table|table with|table on|round table|glass table|folding table|dining|oak table|black table|table$",
     "furniture/tables", 55, 780, 45),
    (r"desk|technical table|dressing table", "furniture/desks", 90, 820, 50),
    (r"bed$|futon|captain|bunk|tatami|bed,", "furniture/beds", 140, 1500, 35),
    (r"bookcase|shelves|wardrobe|cupboard|chest|cabinet|dresser|locker|trunk|safe|tv stand|box room|clothes rack|^screen",
     "furniture/storage", 60, 950, 60),
    (r"carpet|rug|bathmat|doormat", "decoration/rugs-and-mats", 15, 260, 60),
    (r"vase|frame|clock|aquarium|deer|gift|newspaper|fountain|rock$|stone lantern|old jar|pottery", "decoration/accents", 9, 160, 100),
    (r"pencil|pen|ruler|scissors|stapler|marker|letter tray|calendar|white ?board|book$", "office/supplies", 2, 45, 250),
    (r"soap|sponge|comb|brush|towel|bottle|flacon|lipstick|cosmetics|medicine|paper dispenser", "bathroom/accessories", 3, 45, 120),
    (r"glass|cup|mug|bowl|plate|teapot|creamer|coffee press|knife|fork|spoon|pan$|tray|squeezer|spice|salt|kitchen tool|tool$|utensils"
     r"|chopping|ashtray|jar", "kitchen/tableware-and-cookware", 3, 60, 150),
    (r"dustbin|trash ?can|recycling bin|basket|broom|dustpan|hanger|box$|keys|mailbox|letter box|cardboard",
     "household/storage-and-cleaning", 5, 70, 40),
    (r"dog house", "garden/outdoor-furniture", 60, 220, 40),
)

FALLBACK = {
    "Bathroom": ("bathroom/accessories", 8, 90, 60),
    "Bedroom": ("furniture/storage", 30, 300, 50),
    "Exterior": ("garden/outdoor-furniture", 25, 300, 25),
    "Kitchen": ("kitchen/tableware-and-cookware", 6, 80, 90),
    "Living room": ("decoration/accents", 15, 200, 60),
    "Office": ("office/supplies", 8, 120, 80),
}
REST = ("household/storage-and-cleaning", 10, 120, 60)

# One good in several sizes or makes: group, name of the option, model → value
VARIANTS = {
    "Scopia": (
        ("electric-water-heater", "volume", {"electric_water_heater": "standard", "electric_water_heater_big": "large"}),
        ("beige-sofa", "seats", {"beige_sofa_2seats": "2", "beige_sofa": "3"}),
        ("induction-cooker", "zones", {"induction-cooker-2-zones": "2", "induction-cooker-4-zones": "4"}),
        ("pear-wood-table", "size", {"wooden_office_pear_table": "160 × 120 cm", "wooden_office_pear_table_rect": "160 × 80 cm"}),
        ("iron-railing", "width", {"iron-railing-1": "165 cm", "iron-railing-2": "135 cm", "iron-railing-3": "113 cm"}),
        ("haussmann-french-window", "panes", {"window_2x3": "3", "window_2x6": "6"}),
        ("haussmann-arched-window", "panes", {"window_2x3_arched": "3", "window_2x4_arched": "4"}),
        ("photo-frame", "motif", {"frame1": "Chambord", "frame2": "Hôi An"}),
        *((f"{look}-plug", "type", {f"{stem}{kind}{end}": shown for kind, shown in
           (("TypeA", "A"), ("TypeB", "B"), ("TypeCFlat", "C"), ("TypeE", "E"), ("TypeG", "G"))})
          for look, stem, end in (("rounded", "rounded-plug-", ""), ("square", "square-plug-", ""), ("wall", "plug-", "-whites"))),
    ),
}
