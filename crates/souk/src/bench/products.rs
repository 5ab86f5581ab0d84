//! Generates products for benchmarks from a seed: the product of a number is the same on every machine and in every run.
//! Some brands and kinds of products are common and many are rare, as in a shop.
//!
//! Of every eight numbers, the first four are variants of one product in four colours, the others have no variants.
//! Variants and products without variants are listings: a search shows one hit for each.

use anyhow::{Context as _, Result};
use catalog::import::{NewCategory, NewProduct};
use contracts::{
    body::{Attributes, BoundedVec},
    catalog::CreateProduct,
    ids::{CategoryId, ProductGroupId, Uuid},
    money::Currency,
    text::{Amount, AttributeName, LongText, Name, RequiredShortText, Sku, Title},
};
use serde_json::json;
use std::collections::HashMap;

/// The seed of everything.
pub const SEED: u64 = 2026;

const BLOCK: u64 = 8;
const VARIANTS: u64 = 4;

/// SplitMix64 (Steele, Lea and Flood 2014). It is written out here so that no library can change the numbers of a seed.
pub struct SeededRandom(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl SeededRandom {
    /// The generator of one number. Generators of different numbers are independent.
    pub fn new(seed: u64, number: u64) -> SeededRandom {
        SeededRandom(mix(seed.wrapping_add(number.wrapping_mul(GOLDEN))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `bound`, uniformly distributed.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number below `bound`; low ones are more frequent.
    pub fn skewed(&mut self, bound: u64) -> u64 {
        let once = self.below(bound);
        once * self.below(bound) / bound.max(1)
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn pick_skewed<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.skewed(from.len() as u64) as usize]
    }

    /// True with a probability of 1 in `chances`.
    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A root of the category tree.
pub struct Department {
    pub name: &'static str,
    materials: &'static [&'static str],
    subcategories: &'static [Subcategory],
}

/// A category below a department.
struct Subcategory {
    name: &'static str,
    nouns: &'static [&'static str],
    /// The range of prices in euros.
    price: (i64, i64),
}

const fn subcategory(name: &'static str, nouns: &'static [&'static str], from: i64, to: i64) -> Subcategory {
    Subcategory { name, nouns, price: (from, to) }
}

const DEPARTMENTS: &[Department] = &[
    Department {
        name: "Furniture",
        materials: &["oak", "beech", "walnut", "pine", "steel", "rattan", "leather", "velvet", "birch", "ash"],
        subcategories: &[
            subcategory("Chairs", &["chair", "armchair", "dining chair", "rocking chair", "office chair"], 40, 400),
            subcategory("Tables", &["table", "desk", "coffee table", "side table", "dining table"], 60, 900),
            subcategory("Shelves", &["shelf", "bookcase", "wall shelf", "sideboard", "cabinet"], 30, 600),
            subcategory("Beds", &["bed", "bed frame", "bunk bed", "headboard", "mattress"], 90, 1400),
            subcategory("Sofas", &["sofa", "corner sofa", "sofa bed", "bench", "footstool"], 80, 2200),
        ],
    },
    Department {
        name: "Kitchen",
        materials: &["cast iron", "stainless steel", "ceramic", "glass", "copper", "bamboo", "silicone", "porcelain"],
        subcategories: &[
            subcategory("Pots and pans", &["pot", "frying pan", "casserole", "wok", "saucepan"], 15, 250),
            subcategory("Knives", &["knife", "bread knife", "paring knife", "knife block", "sharpener"], 8, 300),
            subcategory("Tableware", &["plate", "bowl", "mug", "teapot", "jug", "cup"], 4, 90),
            subcategory("Appliances", &["kettle", "toaster", "blender", "coffee grinder", "espresso machine"], 20, 900),
            subcategory("Storage", &["jar", "lunch box", "bread bin", "spice rack", "bottle"], 5, 80),
        ],
    },
    Department {
        name: "Lighting",
        materials: &["brass", "paper", "linen", "glass", "aluminium", "concrete", "opal glass"],
        subcategories: &[
            subcategory("Lamps", &["table lamp", "floor lamp", "desk lamp", "reading lamp"], 15, 500),
            subcategory("Ceiling lights", &["pendant", "chandelier", "spotlight", "ceiling lamp"], 20, 900),
            subcategory("Outdoor lights", &["lantern", "wall light", "garden light", "string lights"], 10, 250),
            subcategory("Bulbs", &["bulb", "filament bulb", "light strip", "tube"], 2, 40),
        ],
    },
    Department {
        name: "Clothing",
        materials: &["cotton", "wool", "linen", "merino", "denim", "fleece", "silk", "cashmere", "canvas", "down"],
        subcategories: &[
            subcategory("Shirts", &["shirt", "t-shirt", "polo shirt", "blouse", "henley"], 12, 160),
            subcategory("Knitwear", &["jumper", "cardigan", "hoodie", "turtleneck", "waistcoat"], 25, 300),
            subcategory("Trousers", &["trousers", "jeans", "shorts", "chinos", "leggings"], 20, 220),
            subcategory("Jackets", &["jacket", "coat", "parka", "raincoat", "anorak"], 45, 700),
            subcategory("Accessories", &["scarf", "hat", "gloves", "belt", "socks", "beanie"], 6, 120),
        ],
    },
    Department {
        name: "Sports",
        materials: &["carbon", "aluminium", "nylon", "rubber", "foam", "polyester", "titanium"],
        subcategories: &[
            subcategory("Camping", &["tent", "sleeping bag", "camping stove", "backpack", "hammock"], 20, 800),
            subcategory("Cycling", &["bicycle", "helmet", "saddle", "bicycle pump", "pannier"], 10, 3000),
            subcategory("Fitness", &["dumbbell", "yoga mat", "kettlebell", "skipping rope", "bench press"], 8, 500),
            subcategory("Running", &["running shoe", "headlamp", "running belt", "water bottle"], 9, 220),
            subcategory("Water sports", &["paddle", "wetsuit", "surfboard", "swimming goggles", "kayak"], 10, 1500),
        ],
    },
    Department {
        name: "Electronics",
        materials: &["aluminium", "plastic", "magnesium", "steel", "recycled plastic"],
        subcategories: &[
            subcategory("Cameras", &["camera", "lens", "tripod", "flash", "film camera"], 30, 3500),
            subcategory("Audio", &["headphones", "loudspeaker", "turntable", "microphone", "amplifier"], 20, 2500),
            subcategory("Computers", &["keyboard", "monitor", "mouse", "laptop", "docking station"], 15, 3000),
            subcategory("Cables", &["cable", "charger", "adapter", "power bank", "extension lead"], 4, 120),
            subcategory("Components", &["resistor", "capacitor", "relay", "sensor", "microcontroller", "transistor"], 1, 60),
        ],
    },
    Department {
        name: "Garden",
        materials: &["terracotta", "cedar", "galvanised steel", "wicker", "teak", "stone", "cast iron"],
        subcategories: &[
            subcategory("Tools", &["spade", "rake", "secateurs", "watering can", "wheelbarrow", "hoe"], 8, 250),
            subcategory("Pots", &["planter", "flower pot", "hanging basket", "raised bed", "trough"], 5, 300),
            subcategory("Seeds", &["tomato seeds", "basil seeds", "sunflower seeds", "lettuce seeds", "bean seeds"], 1, 12),
            subcategory("Outdoor furniture", &["deck chair", "garden table", "parasol", "garden bench", "swing seat"], 30, 1200),
        ],
    },
    Department {
        name: "Stationery",
        materials: &["paper", "recycled paper", "cork", "brass", "leather", "cardboard"],
        subcategories: &[
            subcategory("Writing", &["fountain pen", "pencil", "ballpoint pen", "marker", "ink"], 1, 200),
            subcategory("Paper", &["notebook", "sketchbook", "diary", "envelope", "calendar"], 2, 60),
            subcategory("Desktop", &["stapler", "desk tidy", "paper knife", "hole punch", "tape dispenser"], 3, 90),
            subcategory("Art", &["watercolour set", "easel", "brush", "canvas board", "pastels"], 3, 250),
        ],
    },
];

const BRAND_FIRST: [&str; 24] = [
    "Lor", "Mar", "Ost", "Vel", "Tor", "Nor", "Bel", "Cal", "Dun", "Fen", "Gar", "Hal", "Ing", "Jas", "Kel", "Lim", "Mon", "Pel", "Quen",
    "Ros", "Sel", "Ul", "Wes", "Zan",
];
const BRAND_LAST: [&str; 24] = [
    "vane", "lund", "dale", "mere", "ton", "berg", "stad", "ford", "wick", "holm", "ander", "etto", "ique", "mark", "field", "haven",
    "strom", "bach", "worth", "ley", "gate", "mont", "ridge", "combe",
];
const SERIES: [&str; 40] = [
    "Meridian", "Harbour", "Atlas", "Juniper", "Orchard", "Beacon", "Canyon", "Delta", "Ember", "Fjord", "Glacier", "Horizon", "Indigo",
    "Kestrel", "Lagoon", "Mistral", "Nimbus", "Oasis", "Prairie", "Quarry", "Ridge", "Solstice", "Tundra", "Umbra", "Vertex", "Willow",
    "Zephyr", "Aurora", "Basalt", "Cobalt", "Drift", "Echo", "Flint", "Grove", "Haven", "Iris", "Jetty", "Koda", "Linnet", "Moss",
];
#[rustfmt::skip] // It would write one word per line.
const STYLES: [&str; 24] = [
    "classic", "foldable", "compact", "modern", "rustic", "portable", "slim", "heavy-duty", "vintage", "lightweight", "handmade",
    "stackable", "adjustable", "waterproof", "double", "mini", "organic", "insulated", "striped", "padded", "cordless",
    "rechargeable", "extendable", "woven",
];
#[rustfmt::skip] // It would write one word per line.
const COLOURS: [&str; 16] = [
    "black", "white", "grey", "navy", "red", "green", "blue", "beige", "brown", "yellow", "orange", "pink", "purple", "turquoise",
    "olive", "cream",
];
const SIZES: [&str; 6] = ["M", "L", "S", "XL", "XS", "XXL"];
const ORIGINS: [&str; 16] = [
    "Portugal", "Italy", "Germany", "Poland", "Denmark", "Spain", "France", "Japan", "Turkey", "India", "Vietnam", "Sweden", "Czechia",
    "Austria", "Mexico", "Estonia",
];
#[rustfmt::skip] // It would write one word per line.
const FEATURES: [&str; 30] = [
    "rounded edges", "a hidden drawer", "a soft handle", "non-slip feet", "a removable cover", "double stitching",
    "a lifetime guarantee", "a matt finish", "a quick-release clip", "reinforced corners", "an extra-long cord", "a carrying strap",
    "a magnetic lid", "fine grain", "adjustable height", "a water-repellent coating", "low weight", "a clear scale",
    "spare parts for ten years", "a brushed surface", "natural dyes", "a built-in level", "a folding frame", "quiet operation",
    "a safety lock", "hand-finished seams", "even heat", "a deep pocket", "reflective details", "tool-free assembly",
];
#[rustfmt::skip] // It would write one word per line.
const PLACES: [&str; 20] = [
    "small kitchens", "long evenings", "the balcony", "wet weather", "the workshop", "narrow halls", "daily use", "the first flat",
    "big families", "the studio", "mountain trips", "the office", "the nursery", "weekends away", "the garden",
    "cold mornings", "beginners", "professionals", "the reading corner", "festive tables",
];

/// One product. Variants differ in number, SKU, colour and stock.
pub struct GeneratedProduct {
    number: u64,
    pub department: &'static Department,
    subcategory: &'static Subcategory,
    pub brand: String,
    pub series: &'static str,
    pub style: &'static str,
    pub material: &'static str,
    pub noun: &'static str,
    pub colour: &'static str,
    size: &'static str,
    origin: &'static str,
    features: [&'static str; 2],
    place: &'static str,
    model: String,
    weight_grams: u64,
    warranty_years: u64,
    pub price_amount: i64,
    pub available_qty: i64,
    group: Option<ProductGroupId>,
}

/// How many listings the first `count` products are: the hits of a search for everything.
pub fn listing_count(count: u64) -> u64 {
    let rest = count % BLOCK;
    listing_of(count - rest) + rest.saturating_sub(VARIANTS - 1).max(rest.min(1))
}

/// The listing of a product.
fn listing_of(number: u64) -> u64 {
    let (block, within) = (number / BLOCK, number % BLOCK);
    block * (BLOCK - VARIANTS + 1) + within.saturating_sub(VARIANTS - 1)
}

/// Returns the category tree: departments and their subcategories.
pub fn categories() -> Result<Vec<NewCategory>> {
    let mut categories = Vec::new();
    for department in DEPARTMENTS {
        categories.push(NewCategory { slug: department.name.to_owned(), name: Name::parse(department.name)?, parent: None });
        for subcategory in department.subcategories {
            let parent = Some(department.name.to_owned());
            categories.push(NewCategory { slug: slug(department, subcategory), name: Name::parse(subcategory.name)?, parent });
        }
    }
    Ok(categories)
}

fn slug(department: &Department, subcategory: &Subcategory) -> String {
    format!("{}/{}", department.name, subcategory.name)
}

impl GeneratedProduct {
    pub fn of(number: u64) -> GeneratedProduct {
        let (listing, variant) = (listing_of(number), number % BLOCK);
        let has_variants = variant < VARIANTS;
        let mut random = SeededRandom::new(SEED, listing);
        let department = &DEPARTMENTS[random.below(DEPARTMENTS.len() as u64) as usize];
        let subcategory = &department.subcategories[random.below(department.subcategories.len() as u64) as usize];
        let colour = random.below(COLOURS.len() as u64) + if has_variants { variant * (COLOURS.len() as u64 / VARIANTS) } else { 0 };
        let (from, to) = subcategory.price;
        let euros = from + random.skewed((to - from) as u64) as i64;
        let series = random.pick(&SERIES);
        GeneratedProduct {
            number,
            department,
            subcategory,
            brand: format!("{}{}", random.pick_skewed(&BRAND_FIRST), random.pick_skewed(&BRAND_LAST)),
            series,
            style: random.pick(&STYLES),
            material: random.pick_skewed(department.materials),
            noun: random.pick_skewed(subcategory.nouns),
            colour: COLOURS[(colour % COLOURS.len() as u64) as usize],
            size: random.pick_skewed(&SIZES),
            origin: random.pick_skewed(&ORIGINS),
            features: [random.pick(&FEATURES), random.pick(&FEATURES)],
            place: random.pick(&PLACES),
            model: format!("{}{}", &series[..2].to_uppercase(), 1000 + random.below(9000)),
            weight_grams: 50 * (1 + random.skewed(200)),
            warranty_years: 1 + random.skewed(5),
            price_amount: euros * 100 + random.pick(&[90, 95, 99]),
            available_qty: stock(number),
            group: has_variants.then(|| group(listing)),
        }
    }

    pub fn sku(&self) -> String {
        format!("{}-{:07}", self.subcategory.name[..3].to_uppercase(), self.number)
    }

    /// The name of its category in the import.
    pub fn slug(&self) -> String {
        slug(self.department, self.subcategory)
    }

    pub fn title(&self) -> String {
        format!("{} {} {} {} {}, {}", self.brand, self.series, self.style, self.material, self.noun, self.colour)
    }

    fn description(&self) -> String {
        let GeneratedProduct { brand, material, noun, place, features: [one, other], model, origin, weight_grams, .. } = self;
        format!(
            "A {noun} of {material} by {brand}, made for {place}. It comes with {one} and {other}.\nModel {model}, {weight_grams} g, \
             made in {origin}."
        )
    }

    /// Converts it for the import.
    pub fn to_new(&self, categories: &HashMap<String, CategoryId>) -> Result<NewProduct> {
        let attributes = json!({
            "colour": self.colour,
            "material": self.material,
            "model": self.model,
            "origin": self.origin,
            "size": self.size,
            "style": self.style,
            "warranty": format!("{} years", self.warranty_years),
            "weight": format!("{} g", self.weight_grams),
        });
        let options = if self.group.is_some() { vec![AttributeName::parse("colour")?] } else { Vec::new() };
        let product = CreateProduct {
            description: Some(LongText::parse(&self.description())?),
            category_id: Some(*categories.get(&self.slug()).context("its category")?),
            brand: Some(RequiredShortText::parse(&self.brand)?),
            attributes: serde_json::from_value::<Attributes>(attributes)?,
            product_group_id: self.group,
            options: BoundedVec::new(options)?,
            ..CreateProduct::new(Sku::parse(&self.sku())?, Title::parse(&self.title())?, Amount::new(self.price_amount)?, Currency::EUR)
        };
        Ok(NewProduct { seller_id: None, product })
    }
}

/// One product of twenty is sold out.
fn stock(number: u64) -> i64 {
    let mut random = SeededRandom::new(SEED ^ u64::from_be_bytes(*b"in stock"), number);
    if random.one_in(20) { 0 } else { 1 + random.skewed(400) as i64 }
}

fn group(listing: u64) -> ProductGroupId {
    let mut random = SeededRandom::new(SEED ^ u64::from_be_bytes(*b"variants"), listing);
    ProductGroupId(Uuid::from_u64_pair(random.next(), random.next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_number_is_always_the_same_product() {
        let product = GeneratedProduct::of(123_456);
        // Results of different versions are comparable only while the seed gives the same products.
        assert_eq!((product.title().as_str(), product.sku().as_str()), ("Lorvane Cobalt mini silk belt, yellow", "ACC-0123456"));
        assert_eq!((product.price_amount, product.available_qty), (1890, 147));
    }

    #[test]
    fn every_product_fits_the_catalogue_and_its_variants_differ_in_colour_alone() {
        let ids: HashMap<String, CategoryId> = categories().unwrap().into_iter().map(|c| (c.slug, CategoryId(Uuid::nil()))).collect();
        let mut skus = HashSet::new();
        let mut groups: HashMap<ProductGroupId, Vec<GeneratedProduct>> = HashMap::new();
        for product in (0..4_000).map(GeneratedProduct::of) {
            let new = product.to_new(&ids).unwrap();
            assert!(skus.insert(new.product.sku.into_string()));
            if let Some(group) = new.product.product_group_id {
                groups.entry(group).or_default().push(product);
            }
        }
        assert_eq!(groups.len(), 500);
        for variants in groups.values() {
            let colours: HashSet<_> = variants.iter().map(|product| product.colour).collect();
            assert_eq!((variants.len(), colours.len()), (4, 4));
            let titles: HashSet<_> = variants.iter().map(|product| product.title().replace(product.colour, "")).collect();
            assert_eq!(titles.len(), 1);
        }
    }

    #[test]
    fn variants_count_as_one_listing() {
        let known = |count: u64| (0..count).map(listing_of).collect::<HashSet<_>>().len() as u64;
        for count in 0..50 {
            assert_eq!(listing_count(count), known(count), "{count}");
        }
    }
}
