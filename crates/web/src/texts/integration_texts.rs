//! The texts of the pages that connect other systems.

texts! {
    IntegrationTexts;

    webhooks: "Webhooks", "Webhooks";
    webhooks_intro: "An endpoint gets a signed message for each event of its types.", "Ein Empfänger bekommt eine signierte Nachricht für jedes Ereignis seiner Arten.";
    shown_once: "Copy it now: no other page shows it.", "Kopiere es jetzt: keine andere Seite zeigt es.";
    made: "Made", "Angelegt";
    all: "All", "Alle";
    id: "Id", "Kennung";
    description: "Description", "Beschreibung";
    address: "Address", "Adresse";
    reason: "Reason", "Grund";
    changed: "Changed", "Geändert";
    attempts: "Attempts", "Versuche";
    answer: "Answer", "Antwort";
    event: "Event", "Ereignis";
    time: "Time", "Zeit";
    create: "Create", "Anlegen";
    replay: "Try again", "Erneut versuchen";

    event_types: "Types of events", "Arten von Ereignissen";
    new_endpoint: "New endpoint", "Neuer Empfänger";
    no_endpoints: "There are no endpoints", "Es gibt keine Empfänger";
    no_endpoints_text: "An endpoint gets signed messages about events.", "Ein Empfänger bekommt signierte Nachrichten über Ereignisse.";
    to_endpoint: "To the endpoint", "Zum Empfänger";
    secret: "Secret", "Geheimnis";
    former_secret_until: "Former secret until", "Früheres Geheimnis bis";
    deliveries: "Deliveries", "Zustellungen";
    no_deliveries: "Nothing was sent yet.", "Noch wurde nichts gesendet.";
    test_title: "Try it", "Ausprobieren";
    test_hint: "Sends one message of the type WebhookTest.", "Sendet eine Nachricht der Art WebhookTest.";
    send_test: "Send a test", "Test senden";
    enable: "Enable", "Einschalten";
    enable_title: "The endpoint gets nothing", "Der Empfänger bekommt nichts";
    disable: "Disable", "Ausschalten";
    disable_title: "Stop sending", "Nichts mehr senden";
    disabled_by_owner: "Its owner disabled it.", "Der Inhaber hat ihn ausgeschaltet.";
    disabled_gone: "The receiver answered that it is gone.", "Der Empfänger hat geantwortet, dass es ihn nicht mehr gibt.";
    disabled_too_many: "Too many deliveries waited.", "Zu viele Zustellungen warteten.";
    rotate: "Make a new secret", "Neues Geheimnis";
    rotate_title: "Another secret", "Ein anderes Geheimnis";
    rotate_hint: "For a day the former one signs as well.", "Einen Tag lang signiert auch das frühere.";
    delete: "Delete", "Löschen";
    delete_title: "Delete the endpoint", "Empfänger löschen";
    delete_endpoint_hint: "Its deliveries go as well.", "Seine Zustellungen gehen mit.";

    api_keys: "API keys", "API-Schlüssel";
    api_keys_intro: "Programs use a key in the place of your login. A key opens what you may, within its scopes.", "Programme nutzen einen Schlüssel an der Stelle deiner Anmeldung. Er öffnet, was du darfst, in seinen Bereichen.";
    api_docs: "API", "API";
    no_keys: "There are no keys", "Es gibt keine Schlüssel";
    no_keys_text: "Make one below for each program, so that you can revoke it alone.", "Lege unten für jedes Programm einen an, damit du ihn einzeln widerrufen kannst.";
    new_key: "New key", "Neuer Schlüssel";
    new_key_hint: "Choose as few scopes as the program needs.", "Wähle so wenige Bereiche, wie das Programm braucht.";
    to_keys: "To the keys", "Zu den Schlüsseln";
    key: "Key", "Schlüssel";
    name: "Name", "Name";
    scopes: "Scopes", "Bereiche";
    expires: "Valid until", "Gültig bis";
    expires_hint: "The last day, in UTC. Empty for no end.", "Der letzte Tag, in UTC. Leer für kein Ende.";
    last_used: "Last used", "Zuletzt benutzt";
    never: "never", "nie";
    valid: "Valid", "Gültig";
    expired: "Expired", "Abgelaufen";
    revoke: "Revoke", "Widerrufen";
}
