//! The words of codes that the API speaks: types of events, carriers, methods of payment, accounts of the ledger, services.

use super::Language;

/// Code, English, German.
const CODES: &[(&str, &str, &str)] = &[
    // Types of events.
    ("AuditHeadRecorded", "Head of the log recorded", "Kopf des Protokolls notiert"),
    ("BackInStockAlertTriggered", "Back in stock", "Wieder auf Lager"),
    ("CartReminderRequested", "Reminder of a cart", "Erinnerung an einen Warenkorb"),
    ("CategoryChanged", "Category changed", "Kategorie geändert"),
    ("CategoryDeleted", "Category deleted", "Kategorie gelöscht"),
    ("EmailChanged", "E-mail changed", "E-Mail geändert"),
    ("EmailVerificationRequested", "Verification of an e-mail asked for", "Bestätigung einer E-Mail angefordert"),
    ("EmailVerified", "E-mail verified", "E-Mail bestätigt"),
    ("ExistingSellerFound", "Seller found", "Verkäufer gefunden"),
    ("FulfilmentCancelled", "Part cancelled", "Teil storniert"),
    ("FulfilmentConfirmed", "Part to ship", "Teil zu verschicken"),
    ("FulfilmentDelivered", "Part delivered", "Teil zugestellt"),
    ("FulfilmentReturned", "Part came back", "Teil zurückgekommen"),
    ("FulfilmentShipped", "Part shipped", "Teil verschickt"),
    ("NotificationFailed", "Message failed", "Nachricht fehlgeschlagen"),
    ("NotificationSent", "Message sent", "Nachricht gesendet"),
    ("OrderCancelled", "Order cancelled", "Bestellung storniert"),
    ("OrderClaimed", "Order taken into an account", "Bestellung in ein Konto übernommen"),
    ("OrderConfirmed", "Order confirmed", "Bestellung bestätigt"),
    ("OrderCreated", "Order placed", "Bestellung aufgegeben"),
    ("OrderDelivered", "Order delivered", "Bestellung zugestellt"),
    ("OrderInventoryReserved", "Goods of the order reserved", "Waren der Bestellung reserviert"),
    ("OrderParcelReturned", "Parcel of the order came back", "Paket der Bestellung zurückgekommen"),
    ("OrderPartRefunded", "Part of the order refunded", "Teil der Bestellung erstattet"),
    ("OrderPaymentAuthorized", "Payment of the order authorized", "Zahlung der Bestellung zugesagt"),
    ("OrderPaymentFailed", "Payment of the order failed", "Zahlung der Bestellung fehlgeschlagen"),
    ("OrderPaymentRetried", "Payment of the order tried again", "Zahlung der Bestellung erneut versucht"),
    ("OrderPersonalDataErased", "Personal data of the order erased", "Personendaten der Bestellung gelöscht"),
    ("OrderRefunded", "Order refunded", "Bestellung erstattet"),
    ("OrderReservationLost", "Reservation of the order lost", "Reservierung der Bestellung verloren"),
    ("OrderShipped", "Order shipped", "Bestellung verschickt"),
    ("PasswordChanged", "Password changed", "Passwort geändert"),
    ("PasswordResetRequested", "Reset of a password asked for", "Neues Passwort angefordert"),
    ("PaymentAuthorized", "Payment authorized", "Zahlung zugesagt"),
    ("PaymentCaptured", "Payment received", "Zahlung eingegangen"),
    ("PaymentFailed", "Payment failed", "Zahlung fehlgeschlagen"),
    ("PaymentRefunded", "Payment refunded", "Zahlung erstattet"),
    ("PaymentVoided", "Payment lifted", "Zahlung aufgehoben"),
    ("PayoutFailed", "Payout failed", "Auszahlung fehlgeschlagen"),
    ("PayoutPaid", "Payout paid", "Auszahlung bezahlt"),
    ("PreferencesChanged", "Preferences changed", "Einstellungen geändert"),
    ("PriceChanged", "Price changed", "Preis geändert"),
    ("ProductActivated", "Product put on sale", "Produkt in den Verkauf genommen"),
    ("ProductArchived", "Product archived", "Produkt archiviert"),
    ("ProductBlocked", "Product blocked", "Produkt gesperrt"),
    ("ProductCreated", "Product created", "Produkt angelegt"),
    ("ProductDeactivated", "Product taken off sale", "Produkt aus dem Verkauf genommen"),
    ("ProductRatingChanged", "Rating of a product changed", "Bewertung eines Produkts geändert"),
    ("ProductUnblocked", "Block of a product lifted", "Sperre eines Produkts aufgehoben"),
    ("ProductUpdated", "Product changed", "Produkt geändert"),
    ("PromotionActivated", "Promotion activated", "Aktion aktiviert"),
    ("PromotionCreated", "Promotion created", "Aktion angelegt"),
    ("PromotionEnded", "Promotion ended", "Aktion beendet"),
    ("PromotionPaused", "Promotion paused", "Aktion pausiert"),
    ("PromotionUseConfirmed", "Use of a promotion confirmed", "Nutzung einer Aktion bestätigt"),
    ("PromotionUseReleased", "Use of a promotion released", "Nutzung einer Aktion freigegeben"),
    ("PromotionUseReserved", "Use of a promotion reserved", "Nutzung einer Aktion reserviert"),
    ("ReturnApproved", "Return approved", "Rücksendung angenommen"),
    ("ReturnCancelled", "Return withdrawn", "Rücksendung zurückgezogen"),
    ("ReturnClosed", "Return closed", "Rücksendung abgeschlossen"),
    ("ReturnReceived", "Return received", "Rücksendung eingetroffen"),
    ("ReturnRefunded", "Return refunded", "Rücksendung erstattet"),
    ("ReturnRejected", "Return refused", "Rücksendung abgelehnt"),
    ("ReturnRequested", "Return asked for", "Rücksendung beantragt"),
    ("ReturnSent", "Return on its way", "Rücksendung unterwegs"),
    ("ReviewAnswered", "Review answered", "Bewertung beantwortet"),
    ("ReviewFlagged", "Review reported", "Bewertung gemeldet"),
    ("ReviewPublished", "Review published", "Bewertung veröffentlicht"),
    ("ReviewRejected", "Review refused", "Bewertung abgelehnt"),
    ("ReviewSubmitted", "Review written", "Bewertung geschrieben"),
    ("ReviewUpdated", "Review changed", "Bewertung geändert"),
    ("ReviewWithdrawn", "Review withdrawn", "Bewertung zurückgezogen"),
    ("RolesChanged", "Roles changed", "Rollen geändert"),
    ("SellerApplied", "Seller applied", "Verkäufer beworben"),
    ("SellerApproved", "Seller approved", "Verkäufer angenommen"),
    ("SellerPayoutAccountChanged", "Payout account changed", "Auszahlungskonto geändert"),
    ("SellerRatingChanged", "Rating of a seller changed", "Bewertung eines Verkäufers geändert"),
    ("SellerReinstated", "Seller reinstated", "Verkäufer wieder zugelassen"),
    ("SellerRejected", "Seller refused", "Verkäufer abgelehnt"),
    ("SellerReviewStarted", "Review of a seller begun", "Prüfung eines Verkäufers begonnen"),
    ("SellerSuspended", "Seller suspended", "Verkäufer ausgesetzt"),
    ("SellerUpdated", "Seller changed", "Verkäufer geändert"),
    ("ShipmentCreated", "Parcel booked", "Paket gebucht"),
    ("ShipmentDelivered", "Parcel delivered", "Paket zugestellt"),
    ("ShipmentReturned", "Parcel came back", "Paket zurückgekommen"),
    ("ShipmentUpdated", "Parcel moved", "Paket bewegt"),
    ("StockChanged", "Stock changed", "Bestand geändert"),
    ("StockConfirmed", "Reservation confirmed", "Reservierung bestätigt"),
    ("StockExpired", "Reservation expired", "Reservierung abgelaufen"),
    ("StockLow", "Stock is low", "Bestand ist knapp"),
    ("StockReleased", "Reservation released", "Reservierung freigegeben"),
    ("StockReservationFailed", "Reservation failed", "Reservierung fehlgeschlagen"),
    ("StockReserved", "Units reserved", "Stück reserviert"),
    ("StockReturned", "Units came back", "Stück zurückgekommen"),
    ("UserErased", "User erased", "Benutzer gelöscht"),
    ("UserLocked", "User locked", "Benutzer gesperrt"),
    ("UserRegistered", "User registered", "Benutzer registriert"),
    ("UserUnlocked", "User unlocked", "Benutzer entsperrt"),
    ("UserUpdated", "User changed", "Benutzer geändert"),
    ("WebhookEndpointCreated", "Webhook endpoint created", "Webhook-Empfänger angelegt"),
    ("WebhookEndpointDeleted", "Webhook endpoint deleted", "Webhook-Empfänger gelöscht"),
    ("WebhookEndpointDisabled", "Webhook endpoint disabled", "Webhook-Empfänger ausgeschaltet"),
    ("WebhookEndpointUpdated", "Webhook endpoint changed", "Webhook-Empfänger geändert"),
    ("WebhookSecretRotated", "Webhook secret replaced", "Webhook-Geheimnis ersetzt"),
    ("WebhookTest", "Test of a webhook", "Test eines Webhooks"),
    // Carriers, and what they say about a parcel.
    ("MOCK", "Test carrier", "Testzusteller"),
    ("The parcel was booked at the carrier", "The parcel was booked at the carrier", "Das Paket ist beim Zusteller gebucht"),
    ("The seller handed the parcel to the carrier", "The seller handed the parcel to the carrier", "Der Laden hat das Paket übergeben"),
    ("Picked up by the carrier", "Picked up by the carrier", "Vom Zusteller abgeholt"),
    ("Handed over to the recipient", "Handed over to the recipient", "Beim Empfänger angekommen"),
    // What became of a message.
    ("taken by the channel", "Taken by the channel", "Vom Kanal angenommen"),
    // Methods of payment of the test provider.
    ("pm_ok", "Test card", "Testkarte"),
    ("pm_declined", "Test card that is declined", "Testkarte, die abgelehnt wird"),
    ("pm_insufficient_funds", "Test card without money", "Testkarte ohne Guthaben"),
    ("pm_capture_fails", "Test card whose capture fails", "Testkarte, deren Einzug scheitert"),
    ("pm_refund_fails", "Test card whose refund fails", "Testkarte, deren Erstattung scheitert"),
    ("pm_timeout", "Test card without an answer", "Testkarte ohne Antwort"),
    ("pm_flaky", "Test card that works at times", "Testkarte, die manchmal klappt"),
    ("pm_slow", "Test card of a slow bank", "Testkarte einer langsamen Bank"),
    // Accounts of the ledger. Those of a seller have the seller's id behind a slash.
    ("provider_clearing", "At the payment provider", "Beim Zahlungsanbieter"),
    ("seller_pending", "Seller, pending", "Verkäufer, ausstehend"),
    ("seller_available", "Seller, available", "Verkäufer, verfügbar"),
    ("payout_in_transit", "Payouts on their way", "Auszahlungen unterwegs"),
    ("commission_revenue", "Commission", "Provision"),
    ("shop_revenue", "Sales of the shop", "Verkäufe des Ladens"),
    ("shipping_revenue", "Shipping", "Versand"),
    ("promotion_expense", "Promotions of the shop", "Aktionen des Ladens"),
    ("refund_expense", "Refunds of the shop", "Erstattungen des Ladens"),
    ("tax_payable", "Tax to pay", "Abzuführende Steuer"),
    // Reasons of changes of stock.
    ("ADJUSTED", "Adjusted", "Angepasst"),
    // What events are about.
    ("ACCOUNT", "Account", "Konto"),
    ("AUDIT_LOG", "Audit log", "Prüfprotokoll"),
    ("CART", "Cart", "Warenkorb"),
    ("CATEGORY", "Category", "Kategorie"),
    ("FULFILMENT", "Part of an order", "Teil einer Bestellung"),
    ("NOTIFICATION", "Message", "Nachricht"),
    ("ORDER", "Order", "Bestellung"),
    ("PAYMENT", "Payment", "Zahlung"),
    ("PAYOUT", "Payout", "Auszahlung"),
    ("PRODUCT", "Product", "Produkt"),
    ("PRODUCT_RATING", "Rating of a product", "Bewertung eines Produkts"),
    ("PROMOTION", "Promotion", "Aktion"),
    ("PROMOTION_USE", "Use of a promotion", "Nutzung einer Aktion"),
    ("RESERVATION", "Reservation", "Reservierung"),
    ("RETURN", "Return", "Rücksendung"),
    ("REVIEW", "Review", "Bewertung"),
    ("SELLER", "Seller", "Verkäufer"),
    ("SELLER_RATING", "Rating of a seller", "Bewertung eines Verkäufers"),
    ("SHIPMENT", "Parcel", "Paket"),
    ("STOCK_ALERT", "Alert of stock", "Meldung über Bestand"),
    ("STOCK_ITEM", "Stock", "Bestand"),
    ("USER", "User", "Benutzer"),
    ("WEBHOOK_ENDPOINT", "Webhook endpoint", "Webhook-Empfänger"),
    // Services, and what each does.
    ("auth", "Accounts, passwords and logins", "Konten, Passwörter und Anmeldungen"),
    ("user", "Profiles, addresses and preferences", "Profile, Adressen und Einstellungen"),
    ("seller", "Sellers and their applications", "Verkäufer und ihre Bewerbungen"),
    ("catalog", "Products, prices and categories", "Produkte, Preise und Kategorien"),
    ("search", "Finds what is on sale", "Findet, was im Verkauf ist"),
    ("cart", "Carts at preliminary prices", "Warenkörbe zu vorläufigen Preisen"),
    ("promotion", "Coupons and promotions", "Gutscheine und Aktionen"),
    ("order", "Orders, and what happens next", "Bestellungen und was als Nächstes geschieht"),
    ("payment", "Money through the payment provider", "Geld über den Zahlungsanbieter"),
    ("payout", "Ledger, commissions and payouts", "Hauptbuch, Provisionen und Auszahlungen"),
    ("inventory", "Stock and reservations", "Bestand und Reservierungen"),
    ("shipping", "Parcels and carriers", "Pakete und Zusteller"),
    ("returns", "Returns", "Rücksendungen"),
    ("review", "Reviews and ratings", "Bewertungen"),
    ("notification", "Messages to users", "Nachrichten an Benutzer"),
    ("webhook", "Webhooks of sellers and of the shop", "Webhooks der Verkäufer und des Ladens"),
    ("audit", "Every event, in a chain of hashes", "Jedes Ereignis, in einer Kette von Prüfsummen"),
];

/// What a code means, in the language of the reader. An unknown code is shown as it is.
pub fn code_words(language: Language, code: &str) -> &str {
    let known = CODES.iter().find(|(known, _, _)| *known == code);
    known.map_or(code, |(_, english, german)| if language == Language::German { german } else { english })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{SERVICE_NAMES, payment::PaymentMethod, registry};

    fn is_known(code: &str) -> bool {
        CODES.iter().any(|(known, _, _)| *known == code)
    }

    #[test]
    fn every_event_service_and_method_has_words() {
        for event in registry::events() {
            assert!(is_known(event.event_type), "{}", event.event_type);
            assert!(is_known(event.aggregate), "{}", event.aggregate);
        }
        for service in SERVICE_NAMES {
            assert!(is_known(service), "{service}");
        }
        for method in PaymentMethod::ALL {
            assert!(is_known(method.as_str()), "{method}");
        }
    }

    #[test]
    fn a_code_has_one_text_and_an_unknown_one_is_shown_as_it_is() {
        for (at, (code, english, german)) in CODES.iter().enumerate() {
            assert!(!english.is_empty() && !german.is_empty(), "{code}");
            assert!(CODES[at + 1..].iter().all(|(other, _, _)| other != code), "{code}");
        }
        assert_eq!(code_words(Language::German, "OrderCreated"), "Bestellung aufgegeben");
        assert_eq!(code_words(Language::English, "pm_ok"), "Test card");
        assert_eq!(code_words(Language::German, "Parcel Post"), "Parcel Post");
    }
}
