"""KiCad's libraries as shop categories, and data-sheet hosts as brands."""

# library (beginning of its name), category, most goods taken from it, euros from and to
LIBRARIES = (
    ("4xxx_IEEE", None, 0, 0, 0), ("74xx_IEEE", None, 0, 0, 0),
    ("4xxx", "components/logic", 31, 0.9, 2.5), ("74x", "components/logic", 57, 0.9, 3),
    ("Amplifier_Audio", "components/amplifiers", 31, 1, 12), ("Amplifier_Operational", "components/amplifiers", 83, 0.9, 12),
    ("Amplifier", "components/amplifiers", 21, 1.5, 14), ("Comparator", "components/amplifiers", 21, 0.9, 5),
    ("Analog_ADC", "components/data-converters", 42, 2, 38), ("Analog_DAC", "components/data-converters", 42, 2, 32),
    ("Analog_Switch", "components/analog-switches", 31, 0.9, 8), ("Analog", "components/data-converters", 8, 3, 18),
    ("Audio", "components/audio", 26, 2, 16), ("Battery_Management", "components/power-management", 36, 1.2, 8),
    ("Converter_ACDC", "components/power-modules", 36, 6, 48), ("Converter_DCDC", "components/power-modules", 68, 4, 38),
    ("CPLD", "components/programmable-logic", 21, 2, 30), ("FPGA", "components/programmable-logic", 21, 8, 420),
    ("Diode_Bridge", "components/diodes", 31, 0.9, 5), ("Diode_Laser", None, 0, 0, 0), ("Diode", "components/diodes", 83, 0.9, 3),
    ("Display", "components/displays", 31, 2, 30), ("Driver_LED", "components/drivers", 31, 1, 7), ("Driver", "components/drivers", 57, 1.2, 9),
    ("DSP", "components/microcontrollers", 10, 4, 22), ("Filter", "components/filters", 16, 1.5, 20),
    ("Interface_USB", "components/interfaces", 36, 1.2, 9), ("Interface_Ethernet", "components/interfaces", 15, 2, 14),
    ("Interface", "components/interfaces", 36, 1, 11), ("Isolator", "components/isolators", 57, 0.9, 8), ("LED", "components/leds", 21, 0.9, 4),
    ("Logic", "components/logic", 18, 0.9, 4), ("MCU_ST_STM32", "components/microcontrollers", 22, 2, 18),
    ("MCU_Microchip_ATmega", "components/microcontrollers", 42, 1.6, 14), ("MCU_Microchip_ATtiny", "components/microcontrollers", 31, 0.9, 4),
    ("MCU_Microchip_PIC", "components/microcontrollers", 21, 1, 8), ("MCU", "components/microcontrollers", 23, 1.4, 15),
    ("Memory", "components/memory", 26, 0.9, 14), ("Oscillator", "components/timing", 26, 1, 9),
    ("Potentiometer_Digital", "components/data-converters", 21, 1, 7), ("Power_Management", "components/power-management", 42, 0.9, 9),
    ("Power_Protection", "components/circuit-protection", 31, 0.9, 4), ("Power_Supervisor", "components/power-management", 26, 0.9, 4),
    ("Reference", "components/voltage-references", 42, 0.9, 9), ("Regulator_Linear", "components/voltage-regulators", 120, 0.9, 5),
    ("Regulator_Switching", "components/voltage-regulators", 104, 1, 11), ("Regulator", "components/voltage-regulators", 36, 1, 8),
    ("Relay_SolidState", "components/relays", 26, 2, 28), ("Relay", "components/relays", 42, 1.5, 14), ("RF_Filter", "components/filters", 21, 2, 24),
    ("RF_Module", "components/wireless", 26, 4, 32), ("RF", "components/wireless", 21, 1.5, 24), ("Sensor_Current", "components/sensors", 31, 3, 34),
    ("Sensor", "components/sensors", 26, 1.5, 24), ("Security", "components/memory", 8, 1, 4), ("Switch", None, 0, 0, 0),
    ("Timer", "components/timing", 26, 0.9, 8), ("Transformer", "components/transformers", 26, 2, 22), ("Transistor_BJT", "components/transistors", 47, 0.9, 3),
    ("Transistor_FET", "components/transistors", 68, 0.9, 6), ("Transistor", "components/transistors", 13, 0.9, 16), ("Triac", "components/transistors", 18, 0.9, 4),
    ("Video", "components/interfaces", 10, 3, 18),
)

BRANDS = {
    "ti.com": "Texas Instruments", "national.com": "Texas Instruments", "microchip.com": "Microchip", "atmel.com": "Microchip", "microsemi.com": "Microchip",
    "st.com": "STMicroelectronics", "analog.com": "Analog Devices", "linear.com": "Analog Devices", "maximintegrated.com": "Maxim Integrated",
    "onsemi.com": "onsemi", "onsemi.cn": "onsemi", "nxp.com": "NXP", "vishay.com": "Vishay", "infineon.com": "Infineon", "irf.com": "Infineon",
    "cypress.com": "Infineon", "xppower.com": "XP Power", "nexperia.com": "Nexperia", "minicircuits.com": "Mini-Circuits", "diodes.com": "Diodes Incorporated",
    "allegromicro.com": "Allegro MicroSystems", "tracopower.com": "Traco Power", "powerint.com": "Power Integrations", "power.com": "Power Integrations",
    "murata.com": "Murata", "silabs.com": "Silicon Labs", "recom-power.com": "RECOM", "wolfspeed.com": "Wolfspeed", "semicon-storage.com": "Toshiba",
    "broadcom.com": "Broadcom", "avagotech.com": "Broadcom", "rohm.com": "ROHM", "rohm.de": "ROHM", "kemet.com": "KEMET", "intersil.com": "Renesas",
    "idt.com": "Renesas", "renesas.com": "Renesas", "diotec.com": "Diotec", "meanwell.com": "MEAN WELL", "akm.com": "AKM", "te.com": "TE Connectivity",
    "lem.com": "LEM", "kingbrightusa.com": "Kingbright", "kingbright.com": "Kingbright", "littelfuse.com": "Littelfuse", "lcd-module.com": "Display Visions",
    "liteon.com": "Lite-On", "osram-os.com": "Osram", "omron.com": "Omron", "issi.com": "ISSI", "latticesemi.com": "Lattice", "pulseeng.com": "Pulse",
    "vigortronix.com": "Vigortronix", "ftdichip.com": "FTDI", "epson.biz": "Epson", "panasonic.com": "Panasonic", "panasonic.eu": "Panasonic",
    "schaffner.com": "Schaffner", "u-blox.com": "u-blox", "advanced-monolithic.com": "AMS", "altera.com": "Altera", "xilinx.com": "Xilinx", "ams.com": "ams",
    "artesyn.com": "Artesyn", "findernet.com": "Finder", "macom.com": "MACOM", "standexelectronics.com": "Standex", "skyworksinc.com": "Skyworks",
    "nordicsemi.com": "Nordic Semiconductor", "hoperf.com": "HopeRF", "thatcorp.com": "THAT", "abracon.com": "Abracon", "centralsemi.com": "Central Semiconductor",
    "winbond.com": "Winbond", "golledge.com": "Golledge", "sharp-world.com": "Sharp", "sensirion.com": "Sensirion", "comchiptech.com": "Comchip",
    "trinamic.com": "Trinamic", "espressif.com": "Espressif", "fujitsu.com": "Fujitsu", "rakwireless.com": "RAKwireless", "njr.com": "NJR", "cirrus.com": "Cirrus Logic",
    "cui.com": "CUI", "mccsemi.com": "MCC", "everlight.com": "Everlight", "monolithicpower.com": "MPS", "cree.com": "Cree", "micron.com": "Micron",
    "bourns.com": "Bourns", "exar.com": "MaxLinear", "we-online.de": "Würth Elektronik", "we-online.com": "Würth Elektronik", "rectron.com": "Rectron",
    "johansontechnology.com": "Johanson", "adestotech.com": "Adesto", "richtek.com": "Richtek", "hamamatsu.com": "Hamamatsu", "raspberrypi.org": "Raspberry Pi",
    "bosch-sensortec.com": "Bosch Sensortec", "tdk.com": "TDK", "invensense.com": "TDK", "melexis.com": "Melexis", "honeywell.com": "Honeywell",
    "parallax.com": "Parallax", "diodemodule.com": "Diodes and Modules",
}

# package name → how it is drawn
FAMILIES = (
    (r"^(P?DIP|CDIP|SMDIP|DIL|CERDIP)", "dip"), (r"SOT-(223|89)|^TO-(252|263|268|269)|DPAK|D2PAK|^DDPAK", "sot"),
    (r"^(SOT|SC-?70|SC-?7|TSOT|SOT.?23|SC-)", "sot"), (r"^(\w*Q?QFP|TQFP|LQFP|PQFP)", "qfp"),
    (r"^(H?U?T?S?V?M?S?SOP|\w*SOIC|SO-|SOP|SOJ|SO\d|\w*SSOP|\w*TSSOP|\w*MSOP|Infineon_PG-DSO|HSOP|PowerSO|uMAX|ETSSOP|\w*SOP)", "so"),
    (r"BGA|(?<!LF)CSP|WLP|DSBGA|Ball", "bga"), (r"QFN|DFN|SON|LGA|LCC|PLCC|MLF|UQFN|VQFN|MLP|LFCSP|DirectFET|PowerPAK|WDFN|MicroPak", "qfn"),
    (r"^TO-(220|247|218|251|262|264|126|3P|225|202)|Multiwatt|Pentawatt|SIPAK", "tab"), (r"^TO-92|^TO-226", "to92"),
    (r"^TO-(\d+|3)\b|^TO-3$", "can"), (r"^(D_DO|DO-\d|D_A|D_T)", "axial"), (r"^(D_SOD|SOD|D_SM|SMA|SMB|SMC|DO-214|D_\w*MELF|D_Power|Nexperia_CFP|D_\d{4})", "chip"),
    (r"Bridge", "bridge"), (r"^SIP|SIL|SIP-?\d", "sip"), (r"Display|LCD|EA|7-?Seg|Segment", "display"), (r"^LED|D\d\.\dmm", "chip"),
)

# footprint library → how its packages are drawn when their name says nothing
SHELVES = {
    "Package_DFN_QFN": ("qfn", "QFN"), "Package_SON": ("qfn", "SON"), "Package_LGA": ("qfn", "LGA"), "Package_SO": ("so", "SO"), "Package_BGA": ("bga", "BGA"),
    "Package_CSP": ("bga", "CSP"), "Package_TO_SOT_SMD": ("sot", "SOT"), "Package_DIP": ("dip", "DIP"), "Diode_SMD": ("chip", "SMD"), "Diode_THT": ("axial", "DO"),
    "Display": ("display", "LCD"), "Display_7Segment": ("display", "8.8.8.8."), "LED_SMD": ("chip", "LED"), "LED_THT": ("chip", "LED"),
}

# what is printed on a module that has no package name of its own
MODULES = {
    "power-modules": "POWER", "relays": "RELAY", "sensors": "SENSOR", "wireless": "RF", "filters": "FILTER", "isolators": "OPTO", "transformers": "XFMR",
    "displays": "DISPLAY", "timing": "MHz", "transistors": "POWER", "diodes": "DIODE", "leds": "LED",
}
