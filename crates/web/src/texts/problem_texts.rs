//! What problems of the API mean to a visitor. The API describes them in English, for programs as well.

use super::Language;

/// Code, English and German. Without English text the sentence of the API is shown, which says more.
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
    ("ILLEGAL_TRANSITION", "", "Das geht in diesem Zustand nicht mehr."),
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
    ("ORDER_NOT_CANCELLABLE", "", "Die Bestellung lässt sich nicht mehr stornieren."),
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
    // Of fields.
    ("REQUIRED", "Please fill this in.", "Bitte ausfüllen."),
    ("TOO_SHORT", "", "Das ist zu kurz."),
    ("TOO_LONG", "", "Das ist zu lang."),
    ("TOO_FEW", "", "Wähle wenigstens eines."),
    ("TOO_MANY", "", "Das sind zu viele."),
    ("OUT_OF_RANGE", "", "Dieser Wert ist nicht möglich."),
    ("FORBIDDEN_CHARACTER", "", "Darin ist ein Zeichen, das nicht erlaubt ist."),
    ("NOT_ONE_OF", "", "Wähle einen der angebotenen Werte."),
    ("UNKNOWN_VALUE", "", "Wähle einen der angebotenen Werte."),
    ("NOT_AN_EMAIL", "", "Das ist keine E-Mail-Adresse."),
    ("NOT_A_PHONE_NUMBER", "", "Das ist keine Telefonnummer. Beginne mit + und der Vorwahl des Landes."),
    ("NOT_A_URL", "", "Das ist keine Webadresse."),
    ("NOT_A_COUNTRY", "", "Dieses Land gibt es nicht."),
    ("NOT_A_COUPON_CODE", "", "Das ist kein Gutschein."),
];

/// Returns what a code means to a visitor; `None` when the sentence of the API is to be shown.
pub fn problem(language: Language, code: &str) -> Option<&'static str> {
    let (_, english, german) = PROBLEMS.iter().find(|(known, ..)| *known == code)?;
    let text = if language == Language::German { german } else { english };
    Some(*text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_in_the_language_of_the_visitor() {
        assert_eq!(problem(Language::German, "CART_EMPTY"), Some("Der Warenkorb ist leer."));
        assert_eq!((problem(Language::English, "CART_EMPTY"), problem(Language::German, "NO_SUCH_CODE")), (None, None));
        let codes: std::collections::BTreeSet<_> = PROBLEMS.iter().map(|(code, ..)| code).collect();
        assert_eq!(codes.len(), PROBLEMS.len(), "no code is twice in the table");
    }
}
