//! Every text of the pages, in every language.

use axum::http::{HeaderMap, header};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

impl Language {
    /// The first language of `Accept-Language` that the pages have, by its quality (RFC 9110, 12.5.4); English otherwise.
    pub fn of(headers: &HeaderMap) -> Language {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Language::English);
        for range in accepted.split(',') {
            let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
            let quality: f32 = quality.trim().parse().unwrap_or(0.0);
            let language = match tag.trim().split('-').next().unwrap_or_default() {
                "de" => Language::German,
                "en" => Language::English,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }

    /// The language tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    pub fn texts(self) -> &'static Texts {
        match self {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $german:literal;)*) => {
        /// The texts of one language.
        pub struct Texts {
            $(pub $name: &'static str,)*
        }
        static ENGLISH: Texts = Texts { $($name: $english,)* };
        static GERMAN: Texts = Texts { $($name: $german,)* };
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $german),)*];
    };
}

texts! {
    shop_name: "souk", "souk";
    skip: "Skip to the content", "Zum Inhalt";
    search: "Search", "Suchen";
    search_goods: "Search all goods", "Alle Waren durchsuchen";
    account: "Account", "Konto";
    log_in: "Log in", "Anmelden";
    log_out: "Log out", "Abmelden";
    register: "Create an account", "Konto anlegen";
    cart: "Cart", "Warenkorb";
    categories: "Categories", "Kategorien";
    home_title: "Good things from small shops", "Gute Dinge aus kleinen Läden";
    home_text: "Many sellers, one basket, one payment, and every parcel followed to your door.", "Viele Verkäufer, ein Warenkorb, eine Zahlung, und jedes Paket bis zur Tür verfolgt.";
    browse_all: "Browse everything", "Alles ansehen";
    new_goods: "New in the shop", "Neu im Laden";
    well_rated: "Well rated", "Gut bewertet";
    related: "From the same category", "Aus derselben Kategorie";
    results_for: "Results for", "Ergebnisse für";
    all_goods: "All goods", "Alle Waren";
    hits: "goods", "Waren";
    sort_by: "Sort by", "Sortieren nach";
    sort_relevance: "Best match", "Beste Treffer";
    sort_price: "Price, lowest first", "Preis, niedrigster zuerst";
    sort_price_down: "Price, highest first", "Preis, höchster zuerst";
    sort_newest: "Newest", "Neueste";
    sort_rating: "Best rated", "Beste Bewertung";
    apply: "Apply", "Anwenden";
    filters: "Filters", "Filter";
    brand: "Brand", "Marke";
    category: "Category", "Kategorie";
    remove_filter: "Remove filter", "Filter entfernen";
    remove_all_filters: "Remove all filters", "Alle Filter entfernen";
    next_page: "More", "Mehr";
    nothing_found: "Nothing found", "Nichts gefunden";
    nothing_found_text: "Check the spelling, use fewer words, or remove a filter.", "Prüfe die Schreibweise, nimm weniger Wörter oder entferne einen Filter.";
    did_you_mean: "Did you mean", "Meintest du";
    sold_by: "Sold by", "Verkauft von";
    sold_by_shop: "Sold by the shop", "Verkauft vom Laden";
    tax_included: "tax included, shipping is added", "inklusive Steuer, zuzüglich Versand";
    in_stock: "In stock", "Auf Lager";
    few_left: "left", "übrig";
    sold_out: "Sold out", "Ausverkauft";
    quantity: "Quantity", "Menge";
    add_to_cart: "Add to cart", "In den Warenkorb";
    facts: "Facts", "Angaben";
    description: "Description", "Beschreibung";
    variants: "Variants", "Varianten";
    reviews: "Reviews", "Bewertungen";
    no_reviews: "Nobody has reviewed this yet.", "Noch hat niemand das bewertet.";
    stars: "stars", "Sterne";
    answer_of_seller: "Answer", "Antwort";
    your_cart: "Your cart", "Dein Warenkorb";
    empty_cart: "Your cart is empty", "Dein Warenkorb ist leer";
    empty_cart_text: "Whatever you add waits here for you.", "Was du hineinlegst, wartet hier auf dich.";
    update: "Update", "Ändern";
    remove: "Remove", "Entfernen";
    subtotal: "Subtotal", "Zwischensumme";
    discount: "Discount", "Rabatt";
    shipping: "Shipping", "Versand";
    tax: "Tax", "Steuer";
    tax_contained: "Tax included", "Enthaltene Steuer";
    total: "Total", "Summe";
    coupon: "Coupon", "Gutschein";
    add_coupon: "Use coupon", "Einlösen";
    to_checkout: "Go to checkout", "Zur Kasse";
    checkout: "Checkout", "Kasse";
    shipping_address: "Shipping address", "Lieferadresse";
    new_address: "A new address", "Eine neue Adresse";
    recipient: "Name", "Name";
    street: "Street", "Straße";
    house_number: "Number", "Hausnummer";
    zip: "Postal code", "Postleitzahl";
    city: "City", "Ort";
    state: "State or province", "Bundesland oder Provinz";
    country: "Country (two letters)", "Land (zwei Buchstaben)";
    payment: "Payment", "Zahlung";
    pay_ok: "Test card that works", "Testkarte, die funktioniert";
    pay_declined: "Test card that is declined", "Testkarte, die abgelehnt wird";
    pay_slow: "Test card of a slow bank", "Testkarte einer langsamen Bank";
    pay_note: "No money moves: these are methods of the built-in test provider.", "Es fließt kein Geld: das sind Zahlarten des eingebauten Testanbieters.";
    place_order: "Order and pay", "Zahlungspflichtig bestellen";
    review_order: "What you order", "Deine Bestellung";
    order: "Order", "Bestellung";
    orders: "Orders", "Bestellungen";
    no_orders: "You have not ordered anything yet.", "Du hast noch nichts bestellt.";
    ordered_on: "Ordered on", "Bestellt am";
    timeline: "What happened", "Verlauf";
    parcels: "Parcels", "Pakete";
    tracking_number: "Tracking number", "Sendungsnummer";
    items: "Goods", "Waren";
    cancel_order: "Cancel the order", "Bestellung stornieren";
    pay_again: "Pay again", "Erneut bezahlen";
    email: "E-mail", "E-Mail";
    password: "Password", "Passwort";
    password_hint: "At least 8 characters.", "Mindestens 8 Zeichen.";
    your_name: "Your name", "Dein Name";
    no_account: "No account yet?", "Noch kein Konto?";
    have_account: "You have an account already?", "Du hast schon ein Konto?";
    faults: "Please check these fields", "Bitte prüfe diese Felder";
    not_found: "There is no such page", "Diese Seite gibt es nicht";
    not_found_text: "It may have moved, or the address has a typing error.", "Vielleicht ist sie umgezogen, oder die Adresse enthält einen Tippfehler.";
    failed: "Something went wrong", "Etwas ist schiefgegangen";
    failed_text: "Nothing was lost. Try again in a moment; if it happens again, tell us the number below.", "Nichts ging verloren. Versuche es gleich noch einmal; wenn es wieder passiert, nenne uns die Nummer unten.";
    busy: "We are busy right now", "Gerade ist viel los";
    back_home: "To the first page", "Zur Startseite";
    notice_added: "It is in your cart.", "Es liegt im Warenkorb.";
    notice_removed: "It was removed from your cart.", "Es wurde aus dem Warenkorb entfernt.";
    notice_logged_in: "You are logged in.", "Du bist angemeldet.";
    notice_logged_out: "You are logged out.", "Du bist abgemeldet.";
    notice_cancelled: "The cancellation is on its way.", "Die Stornierung ist unterwegs.";
    notice_coupon: "The coupon is used.", "Der Gutschein ist eingelöst.";
    price_changed: "The price has changed.", "Der Preis hat sich geändert.";
    quantity_capped: "Fewer are available than you wanted.", "Es gibt weniger, als du wolltest.";
    unavailable: "It cannot be bought now.", "Es kann gerade nicht gekauft werden.";
    api_docs: "API", "API";
    status_waiting: "Waiting for the payment", "Wartet auf die Zahlung";
    status_paid: "Paid, the stock is checked", "Bezahlt, der Bestand wird geprüft";
    status_confirmed: "Confirmed", "Bestätigt";
    status_shipped: "On its way", "Unterwegs";
    status_delivered: "Delivered", "Zugestellt";
    status_payment_failed: "The payment failed", "Zahlung fehlgeschlagen";
    status_cancelled: "Cancelled", "Storniert";
    status_refunded: "Refunded", "Erstattet";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(accepted: &'static str) -> Language {
        Language::of(&[(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn the_language_is_the_best_of_those_that_are_accepted() {
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
        for (accepted, expected) in [
            ("de-DE,de;q=0.9,en;q=0.8", Language::German),
            ("fr,en;q=0.3,de;q=0.7", Language::German),
            ("en-GB, de;q=0.9", Language::English),
            ("fr;q=1.0", Language::English),
            ("de;q=x", Language::English),
        ] {
            assert_eq!(language(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn no_text_is_missing() {
        for (name, english, german) in ALL {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
        }
    }
}
