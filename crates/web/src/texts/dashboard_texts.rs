//! The texts that both dashboards have.

texts! {
    DashboardTexts;

    places: "Places", "Bereiche";
    to_shop: "To the shop", "Zum Laden";
    logged_in_as: "Logged in as", "Angemeldet als";
    choose: "Choose", "Auswählen";
    chosen: "With the chosen ones", "Mit den ausgewählten";
    filters: "Filters in use", "Aktive Filter";
    filter: "Filter", "Filtern";
    first_page: "First page", "Erste Seite";
    next_page: "Next page", "Nächste Seite";
    pages: "Pages", "Seiten";
    sort_by: "Sort by", "Sortieren nach";
    status: "Status", "Status";
    actions: "Actions", "Aktionen";
    save: "Save", "Speichern";
    saved_filters: "Saved filters", "Gespeicherte Filter";
    nothing_matches: "Nothing matches these filters", "Nichts passt zu diesen Filtern";
    nothing_matches_text: "Remove a filter to see more.", "Entferne einen Filter, um mehr zu sehen.";
    go_to: "Go to a page", "Zu einer Seite";
    close: "Close", "Schließen";
}
