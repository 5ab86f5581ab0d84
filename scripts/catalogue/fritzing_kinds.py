"""What a Fritzing part is: the first expression found in its family and title gives category, price range and weight."""

LEFT_OUT = (
    # Not goods: placeholders, unproven footprints, logos, what is etched into a board rather than bought, symbols, duplicates.
    r"generic ic|generic sip|bajillion|untested|unproven|logo|experimental|donut|aisler|solder\)|solder jumper|sparkfun jumper|test.?point"
    r"|starboard|pcb jumper|single part|multi-part|voltage source|symbol|\bnote\b|packages:|plain vanilla pcb|stand ?off|fiducial|mounting hole"
    r"|net label|ground plane|\bruler\b|\bwire\b|\bvia\b|\bpad\b$|button \(conductive\)|sparkfun fb$|mystery|subpart|breadboard view|schematic"
    r"|custom shape|connectors-m01-|-old\b|old-|top view|copper fill|ground$|power label|dc power|ac power|unfinished|deprecated|obsolete|custom pcb"
)

KINDS = (
    (r"op-?amp|instrumentation amp|comparator|\bdac\b|\badc\b|analog mux|logic ic|eeprom|decoder|audio ic|flash memory|voltage reference"
     r"|74xx|smartcard", "maker/integrated-circuits", 0.9, 9, 2),
    (r"pin header|isp header|\bicsp\b|screw terminal", "maker/connectors", 0.9, 6, 4),
    (r"potentiometer|trimpot|trimmer|\bpot\b", "maker/potentiometers", 0.9, 6, 4),
    (r"breadboard(?!.*power)|proto(type|typing| ?shield|board)?\b|stripboard|perfboard|screwshield", "maker/prototyping", 3, 26, 60),
    (r"shield|hat\b|phat|shim", "maker/shields", 9, 49, 35),
    (r"raspberry|cpu board|96boards|beagle|galileo|edison|computer|joule|pcduino|udoo|odroid|banana pi|tinker", "maker/boards", 19, 95, 60),
    (r"microcontroller ?board|microcontrollerboard|arduino|teensy|chipkit|netduino|lilypad|picaxe|basic stamp|wemos d1 mini$|propeller"
     r"|wiring|calliope|pinocc|linino|espruino|meadow|rfduino|nucleo|spresense|blue pill|esp32|feather|trinket|microbit|bean$|mbed|blend",
     "maker/boards", 6, 48, 22),
    (r"grove|myoware|breakout|badger", "maker/sensors-and-breakouts", 4, 34, 8),
    (r"\b(panel |ph )?meter\b|multimeter|programmer|usb to serial|ftdi|icsp? prog", "maker/tools", 7, 45, 60),
    (r"servo|dc motor|gear-?motor|stepper motor(?!.*driver)|solenoid|vibration|pump|\bmotor\b(?!.*(driver|control|shield))", "maker/motors", 3, 32, 90),
    (r"motor driver|motor control|stepper.*driver|h-?bridge|bridge driver|talon|jaguar|victor sp|\bfrc\b|pcm$|pdp$|vrm|networkmodule|obd",
     "maker/motor-drivers", 3, 40, 30),
    (r"e-?paper|lcd|oled|tft|display|segment|matrix|screen(?! connector)", "maker/displays", 3, 38, 35),
    (r"led driver|led segment", "maker/integrated-circuits", 1.2, 7, 2),
    (r"\bleds?\b|neopixel|lamp\b", "maker/leds", 0.9, 9, 2),
    (r"battery holder|batter|lipo|solar|power cell|powerboost|charger(?! ic)|power (supply|conditioning|converter|plug)|dc-?dc|step-(up|down) conv"
     r"|hlk-pm", "maker/power", 1.2, 22, 25),
    (r"accelero|gyro|magneto|compass|\bimu\b|temp(erature)? sensor|sensor|humidity|barometric|pressure|light sensor|photo(resistor|cell|diode"
     r"|transistor)|ldr\b|thermistor|distance|ultrasonic|infrared|\bir\b|pir\b|fsr|flex|gas\b|moisture|hall|load cell|microphone|\bmic\b|electret|camera"
     r"|conductivity|oxygen|\borp\b|\bph\b|flow|tilt|touch|reflective|color|camera|weather", "maker/sensors-and-breakouts", 1.5, 29, 6),
    (r"bluetooth|wi-?fi|xbee|zigbee|gps|gsm|cell(ular)?|rfid|nfc|transce?iver|tranceiver|radio|antenna|rf ?link|rfm|esp8266|fm (trans|rec)|2\.4ghz|lora"
     r"|wireless", "maker/wireless", 4, 52, 8),
    (r"microcontroller|attiny|atmega|\bpic\b|pic uc|\bavr\b|\barm\b|\bdsp\b|fpga|propeller|p8x32a|motorola|mikrocontroller",
     "maker/microcontrollers", 1.8, 14, 3),
    (r"switch|button|joystick|encoder|trackball|keypad|reed", "maker/switches-and-buttons", 0.9, 8, 6),
    (r"relay", "maker/relays", 1.8, 11, 12),
    (r"connector|header|jack|plug|socket|terminal|usb|db ?\d|d-?sub|sub-d|rj\d|rj-?xx|molex|hirose|jst|picoblade|scsi|sim socket|isp\b|icsp|screw|camdenboss|din\b"
     r"|jumper|interface", "maker/connectors", 0.9, 7, 5),
    (r"buzzer|speaker|audio|amplifier|amp\b|music|midi|voice|sound|mp3|dfplayer", "maker/audio", 1.5, 19, 12),
    (r"crystal|oscillator|resonator", "maker/crystals-and-oscillators", 0.9, 4, 1),
    (r"capacitor|\bcap\b|inductor|coil|resistor|fuse|varistor|transformer|ferrite|air-core", "maker/passives", 0.9, 4, 2),
    (r"transistor|mosfet|fet\b|diode|triac|thyristor|scr\b|darlington|rectifier|zener|opto", "maker/transistors-and-diodes", 0.9, 4, 1),
    (r"regulator|switching|step-(up|down)|ldo|power", "maker/regulators", 0.9, 8, 2),
)
REST = ("maker/integrated-circuits", 0.9, 9, 2)

BRANDS = (
    (r"arduino|genuino", "Arduino"), (r"adafruit", "Adafruit"), (r"raspberry", "Raspberry Pi"), (r"grove|seeed", "Seeed Studio"),
    (r"teensy", "PJRC"), (r"picaxe", "PICAXE"), (r"lilypad", "LilyPad"), (r"basic stamp|parallax|p8x32a|propeller", "Parallax"),
    (r"analog ?devices|\badi[-_]", "Analog Devices"), (r"atlas.?sci", "Atlas Scientific"), (r"wemos", "WeMos"), (r"dagu", "Dagu"),
    (r"snootlab", "Snootlab"), (r"molex", "Molex"), (r"hirose", "Hirose"), (r"camdenboss", "CamdenBoss"), (r"taiway", "Taiway"),
    (r"\bjst\b", "JST"), (r"pololu", "Pololu"), (r"chipkit|digilent", "Digilent"), (r"intel\b|edison|galileo", "Intel"),
    (r"netduino|wilderness|meadow", "Wilderness Labs"), (r"pimoroni", "Pimoroni"), (r"linino|dog hunter", "dog hunter"),
    (r"kingbright", "Kingbright"), (r"amphenol", "Amphenol"), (r"calliope", "Calliope"), (r"monacor", "Monacor"), (r"alps", "Alps"),
    (r"dfrobot", "DFRobot"), (r"xbee", "Digi"), (r"fairchild", "Fairchild"), (r"sharp", "Sharp"), (r"frc\b|talon", "FRC"),
    (r"24lc|25lc|11lc|mcp\d|pic\d|attiny|atmega", "Microchip"), (r"sn74|lm\d|tlc\d|tps\d|max\d{3,}", "Texas Instruments"),
    (r"ftdi|ft232", "FTDI"), (r"bosch|bmp\d", "Bosch"), (r"sparkfun", "SparkFun"),
)
