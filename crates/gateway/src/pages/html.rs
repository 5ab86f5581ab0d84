//! The HTML pages: one layout, one stylesheet, and scripts only on the docs page.

use axum::http::StatusCode;
use contracts::problem::{Code, Document};
use platform::html::escape;
use serde_json::Map;
use std::fmt::Write as _;

/// A page before rendering.
pub(super) struct Page {
    title: String,
    head: &'static str,
    /// The HTML between header and footer. The functions of this file escape what they insert.
    main: String,
    wide: bool,
}

impl Page {
    fn new(title: impl Into<String>, main: String) -> Page {
        Page { title: title.into(), head: "", main, wide: false }
    }

    pub(super) fn write(&self) -> String {
        let Page { title, head, main, wide } = self;
        let (title, class) = (escape(title), if *wide { "wide" } else { "narrow" });
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/style.css">
{head}</head>
<body>
<header class="frame"><div class="{class}"><a class="home" href="/">Souk</a><nav><a href="/api/docs">API</a> <a href="/problems">Errors</a></nav></div></header>
<main class="{class}">
{main}</main>
</body>
</html>
"#
        )
    }
}

pub(super) fn landing() -> Page {
    let main = r#"<h1>Souk</h1>
<p class="lead">A marketplace of small services behind one HTTP API: catalogue and search, carts and orders, payment, stock, shipping, notifications.</p>
<ul class="cards">
<li><a href="/api/docs"><strong>API reference</strong><span>Read every operation, and try it from the page.</span></a></li>
<li><a href="/api/v1/openapi.json"><strong>OpenAPI description</strong><span>The same for programs, as OpenAPI 3.1.</span></a></li>
<li><a href="/problems"><strong>Error codes</strong><span>What each one means, and what to do about it.</span></a></li>
<li><a href="/api/v1/products"><strong>Products</strong><span>A first request: the products on sale, as JSON.</span></a></li>
</ul>
<p class="quiet">Status: <a href="/healthz">healthz</a> shows whether the program runs, <a href="/readyz">readyz</a> whether it accepts requests.</p>
"#;
    Page::new("Souk", main.to_owned())
}

pub(super) fn docs() -> Page {
    let main = "<div id=\"docs\"><p class=\"quiet\">The reference needs JavaScript. \
        The same is in <a href=\"/api/v1/openapi.json\">openapi.json</a>.</p></div>\n";
    let head = r#"<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<script src="/api/docs/swagger-ui-bundle.js" defer></script>
<script src="/api/docs/docs.js" defer></script>
"#;
    Page { head, wide: true, ..Page::new("API reference – Souk", main.to_owned()) }
}

pub(super) fn problem_list(codes: &[Code]) -> Page {
    let mut main = String::from(
        "<h1>Error codes</h1>\n<p class=\"lead\">Every error is a problem document (RFC 9457). Its <code>code</code> is stable; \
         its <code>type</code> leads to the page of that code.</p>\n",
    );
    main.push_str("<table>\n<thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead>\n<tbody>\n");
    for code in codes {
        // Allows a line break after each underscore on narrow screens.
        let word = code.as_str().replace('_', "_<wbr>");
        let (status, slug, title) = (code.status(), code.slug(), escape(code.title()));
        let _ = writeln!(
            main,
            "<tr><td>{}</td><td><a href=\"/problems/{slug}\"><code>{word}</code></a></td><td>{title}</td></tr>",
            badge(status)
        );
    }
    main.push_str("</tbody>\n</table>\n");
    Page::new("Error codes – Souk", main)
}

pub(super) fn problem(code: Code) -> Page {
    let (status, word) = (code.status(), code.as_str());
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("");
    let again = if code.retryable() {
        "The same request may succeed later, unchanged. Send it again with the same <code>Idempotency-Key</code>, if it has one."
    } else {
        "The same request will fail again: something in it, or in the data it refers to, has to change first."
    };
    let example = Document {
        r#type: format!("/problems/{}", code.slug()),
        title: code.title().to_owned(),
        status,
        detail: code.help().to_owned(),
        code: word.to_owned(),
        correlation_id: "01920f5c-7b00-7d3e-8000-3c1f0a2b4c5d".to_owned(),
        retryable: code.retryable(),
        errors: Vec::new(),
        members: Map::new(),
    };
    let example = serde_json::to_string_pretty(&example).unwrap_or_default();
    let (title, help, reason, example, badge) =
        (escape(code.title()), escape(code.help()), escape(reason), escape(&example), badge(status));
    let main = format!(
        "<p class=\"quiet\"><a href=\"/problems\">Error codes</a></p>\n<h1>{title}</h1>\n\
         <p class=\"facts\">{badge} {reason} · <code>{word}</code></p>\n\
         <h2>What to do</h2>\n<p>{help}</p>\n<h2>Again?</h2>\n<p>{again}</p>\n\
         <h2>What it looks like</h2>\n<pre><code>{example}</code></pre>\n\
         <p class=\"quiet\">The <code>correlationId</code> names the request in every log line and event that it caused. \
         Have it at hand when you ask for help.</p>\n"
    );
    Page::new(format!("{} – Souk", code.title()), main)
}

fn badge(status: u16) -> String {
    let kind = if status >= 500 { "ours" } else { "yours" };
    format!("<span class=\"badge {kind}\">{status}</span>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let page = Page::new("<b> & \"c\"", String::new()).write();
        assert!(page.contains("<title>&lt;b&gt; &amp; &quot;c&quot;</title>"), "{page}");
    }

    #[test]
    fn every_code_has_a_page_with_its_help() {
        for code in Code::ALL {
            let page = problem(*code).write();
            assert!(page.contains(&escape(code.help()).to_string()) && page.contains(code.as_str()), "{code:?}");
        }
    }
}
