//! What problems of the API mean to a visitor. The API describes them in English, for programs as well.

use super::Language;
use contracts::problem::Code;

/// Code, English and German. Without English text the sentence of the API is shown, where that says more and speaks of no field of a
/// body.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "INVALID_REQUEST",
        "Some fields are not filled in as they should be.",
        "Einige Felder sind nicht so ausgefüllt, wie sie sein sollten.",
    ),
    ("INVALID_CREDENTIALS", "E-mail or password is wrong.", "E-Mail oder Passwort ist falsch."),
    ("WRONG_PASSWORD", "", "Das ist nicht dein Passwort."),
    ("EMAIL_TAKEN", "There is an account with this e-mail address.", "Zu dieser E-Mail-Adresse gibt es schon ein Konto."),
    ("RATE_LIMITED", "That was too often. Wait a moment.", "Das war zu oft. Warte einen Moment."),
    ("INVALID_RESET_TOKEN", "", "Dieser Link gilt nicht mehr."),
    ("INVALID_VERIFICATION_TOKEN", "", "Dieser Link gilt nicht mehr."),
    (
        "IDEMPOTENCY_KEY_REUSED",
        "The form was changed after it was sent. Send it once more.",
        "Das Formular wurde nach dem Absenden geändert. Schick es noch einmal ab.",
    ),
    ("IDEMPOTENCY_IN_PROGRESS", "It is being done already. Wait a moment.", "Es läuft schon. Warte einen Moment."),
    ("ILLEGAL_TRANSITION", "This is not possible in the present state.", "Das geht in diesem Zustand nicht mehr."),
    ("OPEN_ORDERS", "", "Es gibt noch offene Bestellungen."),
    ("OPEN_FULFILMENTS", "", "Es gibt noch offene Verkäufe."),
    ("OPEN_BALANCE", "", "Es gibt noch Geld, das ausgezahlt werden muss."),
    ("LAST_ADMIN", "", "Das ist die letzte Verwalterin oder der letzte Verwalter."),
    ("TOO_MANY_ADDRESSES", "The address book is full. Delete an address first.", "Das Adressbuch ist voll. Lösche zuerst eine Adresse."),
    ("UNKNOWN_ADDRESS", "", "Diese Adresse gibt es nicht mehr."),
    ("PRODUCT_UNAVAILABLE", "", "Das kann gerade nicht gekauft werden."),
    ("INSUFFICIENT_STOCK", "", "Davon ist nicht genug auf Lager."),
    ("CART_EMPTY", "", "Der Warenkorb ist leer."),
    ("CART_FULL", "", "Der Warenkorb ist voll."),
    ("QUANTITY_TOO_LARGE", "", "So viele davon passen nicht in den Warenkorb."),
    ("CURRENCY_MISMATCH", "", "Der Warenkorb hat Waren in einer anderen Währung."),
    ("TOTAL_CHANGED", "", "Die Summe hat sich geändert."),
    ("COUPON_UNKNOWN", "", "Diesen Gutschein gibt es nicht."),
    ("COUPON_EXPIRED", "", "Dieser Gutschein gilt nicht mehr."),
    ("COUPON_EXHAUSTED", "", "Dieser Gutschein ist aufgebraucht."),
    ("COUPON_NOT_APPLICABLE", "", "Dieser Gutschein gilt nicht für diesen Warenkorb."),
    ("COUPON_NOT_COMBINABLE", "", "Dieser Gutschein lässt sich nicht mit einer anderen Aktion verbinden."),
    ("ORDER_NOT_CANCELLABLE", "The order can no longer be cancelled.", "Die Bestellung lässt sich nicht mehr stornieren."),
    ("ORDER_PARTIALLY_SHIPPED", "", "Ein Teil der Bestellung ist schon unterwegs. Storniere die anderen Pakete einzeln."),
    ("FULFILMENT_NOT_CONFIRMED", "", "Die Bestellung ist noch nicht bestätigt."),
    ("FULFILMENT_NOT_CANCELLABLE", "", "Dieses Paket lässt sich nicht mehr stornieren."),
    ("ORDER_NOT_PAYABLE", "", "Die Bestellung wartet auf keine Zahlung."),
    ("NOT_DELIVERED", "", "Davon ist noch nichts angekommen."),
    ("RETURN_WINDOW_CLOSED", "", "Die Zeit für Rücksendungen ist vorbei."),
    ("RETURN_TOO_LARGE", "", "So viele davon können nicht zurückgehen."),
    ("PURCHASE_REQUIRED", "", "Bewerten kann nur, wer es gekauft und bekommen hat."),
    ("REVIEW_EXISTS", "You have reviewed this already.", "Das hast du schon bewertet."),
    ("UNSUPPORTED_COUNTRY", "We do not ship there.", "Dorthin versenden wir nicht."),
    ("UNSUPPORTED_CURRENCY", "", "Für Preise in dieser Währung versenden wir nicht."),
    ("PAYMENT_DECLINED", "", "Der Anbieter hat die Zahlung abgelehnt."),
    ("INSUFFICIENT_FUNDS", "", "Auf dem Konto ist nicht genug."),
    ("CAPTURE_FAILED", "", "Der Anbieter hat das Geld nicht eingezogen."),
    ("REFUND_FAILED", "", "Der Anbieter hat die Erstattung abgelehnt."),
    ("REFUND_TOO_LARGE", "", "Das ist mehr, als erstattet werden kann."),
    ("PAYMENT_GIVEN_UP", "", "Die Zahlung wurde vor ihrer Zusage aufgehoben."),
    ("PAYMENT_EXISTS", "", "Zu dieser Bestellung läuft schon eine Zahlung."),
    ("TOO_MANY_REFUNDS", "", "Mehr Erstattungen sind für diese Zahlung nicht möglich."),
    ("PROVIDER_UNAVAILABLE", "", "Der Zahlungsanbieter antwortet nicht. Der Ausgang wird später erfragt."),
    ("CARRIER_UNAVAILABLE", "", "Der Zusteller antwortet nicht. Es wird von selbst erneut versucht."),
    ("TIMEOUT", "", "Es kam keine Antwort in der erwarteten Zeit."),
    ("SHIPMENT_PENDING", "", "Das Paket ist noch nicht gebucht."),
    ("FULFILMENT_NOT_SHIPPABLE", "", "Dieses Paket lässt sich nicht versenden."),
    ("PARCEL_NOT_RETURNED", "", "Das Paket ist nicht zurückgekommen."),
    ("STOCK_OUT_OF_RANGE", "", "So viel Bestand ist nicht möglich."),
    ("UNKNOWN_SKU", "There is no product with this SKU.", "Zu dieser Artikelnummer gibt es kein Produkt."),
    ("SKU_TAKEN", "This SKU belongs to another product.", "Diese Artikelnummer hat schon ein anderes Produkt."),
    ("COUPON_CODE_TAKEN", "", "Diesen Code hat schon eine andere Aktion."),
    ("TOO_MANY_PROMOTIONS", "", "Es gibt schon so viele Aktionen ohne Code, wie möglich sind."),
    ("TOO_MANY_WEBHOOK_ENDPOINTS", "", "Es gibt schon so viele Empfänger, wie möglich sind."),
    ("ROLE_MANAGED_BY_SELLER", "", "Die Rolle der Verkäufer kommt mit ihrer Akte."),
    ("FORBIDDEN", "", "Das darfst du nicht."),
    ("UPLOAD_INCOMPLETE", "The file did not arrive whole. Send it again.", "Die Datei kam nicht ganz an. Schick sie noch einmal."),
    ("PAYLOAD_TOO_LARGE", "The file is too large.", "Die Datei ist zu groß."),
    ("MALFORMED_REQUEST", "", "Das lässt sich nicht lesen."),
    ("TOO_MANY_IMPORTS", "", "Es laufen schon so viele Importe, wie möglich sind."),
    ("INTERNAL_ERROR", "Something went wrong here. Try again.", "Hier ist etwas schiefgegangen. Versuche es noch einmal."),
    ("OVERLOADED", "", "Gerade ist zu viel zu tun. Versuche es gleich noch einmal."),
    ("DEPENDENCY_UNAVAILABLE", "", "Ein Teil des Ladens antwortet nicht. Versuche es gleich noch einmal."),
    // Of fields.
    ("REQUIRED", "Please fill this in.", "Bitte ausfüllen."),
    ("TOO_SHORT", "", "Das ist zu kurz."),
    ("TOO_LONG", "", "Das ist zu lang."),
    ("TOO_FEW", "", "Wähle wenigstens eines."),
    ("TOO_MANY", "", "Das sind zu viele."),
    ("OUT_OF_RANGE", "", "Dieser Wert ist nicht möglich."),
    ("FORBIDDEN_CHARACTER", "", "Darin ist ein Zeichen, das nicht erlaubt ist."),
    ("NOT_ONE_OF", "Choose one of the offered values.", "Wähle einen der angebotenen Werte."),
    ("UNKNOWN_VALUE", "Choose one of the offered values.", "Wähle einen der angebotenen Werte."),
    ("NOT_AN_EMAIL", "", "Das ist keine E-Mail-Adresse."),
    ("NOT_A_PHONE_NUMBER", "", "Das ist keine Telefonnummer. Beginne mit + und der Vorwahl des Landes."),
    ("NOT_A_URL", "", "Das ist keine Webadresse."),
    ("NOT_A_COUNTRY", "This is not a country such as DE.", "Dieses Land gibt es nicht."),
    ("BAD_CURSOR", "", "Diese Seite der Liste gibt es nicht mehr."),
    ("CATEGORY_NAME_TAKEN", "A category beside it has this name.", "So heißt schon eine Kategorie daneben."),
    ("CATEGORY_TOO_DEEP", "", "So tief darf eine Kategorie nicht liegen."),
    ("DAMAGED", "", "Das lässt sich nicht lesen."),
    ("DUPLICATE", "This is there already.", "Das steht schon darin."),
    ("INVALID", "This is not a valid value.", "Das ist kein gültiger Wert."),
    ("NOT_AN_ATTRIBUTE_NAME", "", "Ein Name hat Buchstaben, Ziffern, Leerzeichen, Binde- und Unterstriche."),
    ("NOT_AN_ORDER_NUMBER", "", "Das ist keine Bestellnummer wie 7QK2M-XW9PD."),
    ("NOT_AVAILABLE", "These messages are always sent by e-mail.", "Diese Nachrichten kommen immer als E-Mail."),
    ("NOT_A_CURRENCY", "This is not a currency such as EUR.", "Das ist keine Währung wie EUR."),
    ("NOT_A_DAY", "", "Das ist kein Tag wie 2026-11-28."),
    ("NOT_A_MONTH", "", "Das ist kein Monat wie 2026-11."),
    ("NOT_A_NUMBER", "This is not a whole number.", "Das ist keine ganze Zahl."),
    ("NOT_A_SELLER", "There is no such seller.", "Diesen Verkäufer gibt es nicht."),
    ("NOT_A_SKU", "", "Eine Artikelnummer hat 3 bis 40 Buchstaben, Ziffern, Punkte, Binde- oder Unterstriche."),
    ("NOT_A_TIME", "This is not a time such as 2026-01-31T09:30:00Z.", "Das ist kein Zeitpunkt wie 2026-01-31T09:30:00Z."),
    ("NOT_A_UUID", "This is not an identifier of the shop. Copy it from an export.", "Das ist keine Kennung."),
    ("NOT_IN_THE_FUTURE", "", "Das muss in der Zukunft liegen."),
    ("NOT_THE_PRODUCTS_SKU", "This SKU belongs to another product.", "Diese Artikelnummer gehört zu einem anderen Produkt."),
    ("NOT_YOURS", "This belongs to another seller.", "Das gehört einem anderen Verkäufer."),
    ("PASSWORD_CONTAINS_IDENTITY", "", "Das Passwort darf weder deine E-Mail-Adresse noch deinen Namen enthalten."),
    ("PRIVATE_ADDRESS", "This must be the address of a public host.", "Das muss die Adresse eines öffentlichen Rechners sein."),
    ("UNCHANGED", "", "Das ist schon die Adresse dieses Kontos."),
    ("UNKNOWN_CATEGORY", "There is no such category.", "Diese Kategorie gibt es nicht."),
    ("UNKNOWN_FIELD", "There is no such field.", "Dieses Feld gibt es nicht."),
    ("UNKNOWN_SCOPE", "There is no such scope.", "Diesen Bereich gibt es nicht."),
    ("WEBHOOK_URL_REQUIRED", "The address of the receiver is missing for this.", "Dafür fehlt die Adresse des Empfängers."),
    ("WRONG_LENGTH", "", "Das hat nicht die richtige Länge."),
    ("WRONG_TYPE", "This is not a valid value.", "Das ist kein gültiger Wert."),
    ("ANIMATED", "", "Das Bild darf sich nicht bewegen."),
    ("ANOTHER_SELLER", "", "Das gehört einem anderen Verkäufer."),
    ("CELL_COUNT", "The row has more or fewer cells than the header.", "Die Zeile hat nicht so viele Zellen wie die Überschrift."),
    ("NOT_AFTER_START", "The end must be later than the start.", "Das Ende muss nach dem Beginn liegen."),
    ("NOT_ALLOWED", "", "Das ist hier nicht möglich."),
    (
        "NOT_ATTRIBUTES",
        "These are not attributes. Write them like {\"colour\": \"red\"}.",
        "Das sind keine Merkmale. Schreib sie wie {\"Farbe\": \"rot\"}.",
    ),
    (
        "NOT_METADATA",
        "These are not notes. Write them like {\"shelf\": \"B7\"}.",
        "Das sind keine Notizen. Schreib sie wie {\"Regal\": \"B7\"}.",
    ),
    ("NOT_FOR_SELLERS", "", "Diese Ereignisse sind nicht für Verkäufer."),
    ("NOT_ZERO", "", "Das darf nicht null sein."),
    ("PASSWORD_TOO_COMMON", "", "Dieses Passwort ist zu bekannt."),
    ("TOO_MANY_PIXELS", "", "Das Bild ist zu groß."),
    ("UNKNOWN_ATTRIBUTE", "", "Dieses Merkmal gibt es nicht."),
    ("UNKNOWN_COLUMN", "", "Diese Spalte gibt es nicht."),
    ("UNKNOWN_EVENT_TYPE", "", "Diese Art von Ereignissen gibt es nicht."),
    ("UNKNOWN_IMAGE", "", "Dieses Bild gibt es nicht."),
    ("UNKNOWN_ITEM", "", "Das ist nicht in dieser Bestellung."),
    ("UNSUPPORTED_FORMAT", "", "Das ist kein JPEG, PNG oder WebP."),
    ("NOT_A_COUPON_CODE", "", "Das ist kein Gutschein."),
];

/// Returns what a code means to a visitor; `None` when the sentence of the API is to be shown.
pub fn problem(language: Language, code: &str) -> Option<&'static str> {
    let (_, english, german) = PROBLEMS.iter().find(|(known, ..)| *known == code)?;
    let text = if language == Language::German { german } else { english };
    Some(*text).filter(|text| !text.is_empty())
}

/// What a problem code means: in the language of the reader, or in that of the API.
pub fn failure_words(language: Language, code: &str) -> &str {
    let title = || Code::ALL.iter().find(|known| known.as_str() == code).map(|known| known.title());
    problem(language, code).or_else(title).unwrap_or(code)
}

/// Returns what a problem means to a visitor: the words of its code, else the sentence of the API with a capital and a full stop.
pub fn problem_words(language: Language, code: &str, detail: &str) -> String {
    problem(language, code).map_or_else(|| sentence(detail), str::to_owned)
}

fn sentence(detail: &str) -> String {
    let mut letters = detail.trim().chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if detail.trim_end().ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_speaks_in_sentences() {
        assert_eq!(problem_words(Language::English, "TOO_SHORT", "must have at least 8 characters"), "Must have at least 8 characters.");
        assert_eq!(problem_words(Language::English, "NO_SUCH_CODE", "Wait."), "Wait.");
        assert_eq!(problem_words(Language::German, "TOO_SHORT", "must have at least 8 characters"), "Das ist zu kurz.");
        assert_eq!(problem_words(Language::English, "NO_SUCH_CODE", ""), "");
    }

    #[test]
    fn a_failure_is_told_in_words() {
        assert_eq!(failure_words(Language::German, "PAYMENT_DECLINED"), "Der Anbieter hat die Zahlung abgelehnt.");
        assert_eq!(failure_words(Language::English, "PAYMENT_DECLINED"), "The payment was declined");
        assert_eq!(failure_words(Language::English, "NO_SUCH_CODE"), "NO_SUCH_CODE");
    }

    #[test]
    fn problems_are_told_in_the_language_of_the_visitor() {
        assert_eq!(problem(Language::German, "CART_EMPTY"), Some("Der Warenkorb ist leer."));
        assert_eq!((problem(Language::English, "CART_EMPTY"), problem(Language::German, "NO_SUCH_CODE")), (None, None));
        let codes: std::collections::BTreeSet<_> = PROBLEMS.iter().map(|(code, ..)| code).collect();
        assert_eq!(codes.len(), PROBLEMS.len(), "no code is twice in the table");
    }
}
