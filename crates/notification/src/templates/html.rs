//! An e-mail as HTML with tables and inline styles, which mail programs support. It loads nothing: no pictures, no scripts.

use super::{EmailContent, How, NextStep, Table};
use platform::html::escape;
use std::fmt::Write as _;

const INK: &str = "#1f2328";
const QUIET: &str = "#656d76";
const RULE: &str = "#e4e2dd";
const PAPER: &str = "#f6f4ef";
const ACCENT: &str = "#0f5c4c";
const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// Returns the content as an HTML document.
#[must_use]
pub fn html(content: &EmailContent) -> String {
    let mut body = String::with_capacity(4_096);
    let _ = write!(
        body,
        "<h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.3;font-weight:600;color:{INK}\">{}</h1>",
        escape(&content.heading)
    );
    paragraph(&mut body, &content.greeting, INK);
    for text in &content.paragraphs {
        paragraph(&mut body, text, INK);
    }
    if let Some(order) = &content.order_table {
        table(&mut body, order);
    }
    facts(&mut body, &content.facts);
    if let Some(step) = &content.step {
        next_step(&mut body, step);
    }
    for text in &content.closing {
        paragraph(&mut body, text, QUIET);
    }
    page(content, &body)
}

fn page(content: &EmailContent, body: &str) -> String {
    let (subject, summary) = (escape(&content.subject), escape(&content.summary));
    let shop = content.shop_url.as_ref().map_or_else(String::new, |url| {
        let url = escape(url);
        format!("<a href=\"{url}\" style=\"color:{QUIET}\">{url}</a><br>")
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light\">\n<title>{subject}</title>\n</head>\n\
         <body style=\"margin:0;padding:0;background:{PAPER}\">\n\
         <div style=\"display:none;max-height:0;overflow:hidden\">{summary}</div>\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"background:{PAPER}\"><tr>\
         <td align=\"center\" style=\"padding:32px 12px\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"max-width:560px;{FONT}\">\n\
         <tr><td style=\"padding:0 4px 16px;font-size:18px;font-weight:700;letter-spacing:.04em;color:{ACCENT}\">Souk</td></tr>\n\
         <tr><td style=\"padding:32px;background:#ffffff;border:1px solid {RULE};border-radius:8px\">\n{body}\n</td></tr>\n\
         <tr><td style=\"padding:16px 4px;font-size:12px;line-height:1.5;color:{QUIET}\">\
         {shop}This mail was sent automatically; nobody reads replies to it.</td></tr>\n\
         </table>\n</td></tr></table>\n</body>\n</html>\n"
    )
}

fn paragraph(body: &mut String, text: &str, colour: &str) {
    let _ = writeln!(body, "<p style=\"margin:0 0 16px;font-size:15px;line-height:1.55;color:{colour}\">{}</p>", escape(text));
}

fn table(body: &mut String, order: &Table) {
    body.push_str(
        "<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"margin:8px 0 20px;border-collapse:collapse;font-size:14px\">\n",
    );
    for line in &order.lines {
        let _ = writeln!(
            body,
            "<tr><td style=\"padding:10px 12px 10px 0;border-bottom:1px solid {RULE};color:{INK}\">{}<br>\
             <span style=\"font-size:12px;color:{QUIET}\">{}</span></td>\
             <td align=\"right\" valign=\"top\" style=\"padding:10px 0;border-bottom:1px solid {RULE};color:{INK};white-space:nowrap\">{}</td></tr>",
            escape(&line.title),
            escape(&line.detail),
            escape(&line.amount)
        );
    }
    for (at, (name, amount)) in order.sums.iter().enumerate() {
        let (weight, colour) = if at + 1 == order.sums.len() { (600, INK) } else { (400, QUIET) };
        let style = format!("padding:6px 0;font-weight:{weight};color:{colour}");
        let _ = writeln!(
            body,
            "<tr><td style=\"{style}\">{}</td><td align=\"right\" style=\"{style};white-space:nowrap\">{}</td></tr>",
            escape(name),
            escape(amount)
        );
    }
    body.push_str("</table>\n");
}

fn facts(body: &mut String, facts: &[(&str, String)]) {
    for (name, value) in facts {
        let _ = writeln!(
            body,
            "<p style=\"margin:0 0 12px;font-size:14px;line-height:1.5;color:{INK}\"><span style=\"color:{QUIET}\">{}</span><br>{}</p>",
            escape(name),
            escape(value)
        );
    }
}

fn next_step(body: &mut String, step: &NextStep) {
    match &step.how {
        How::Link(url) => {
            let _ = writeln!(
                body,
                "<p style=\"margin:20px 0\"><a href=\"{}\" style=\"display:inline-block;padding:11px 20px;background:{ACCENT};color:#ffffff;\
                 border-radius:6px;font-size:15px;font-weight:600;text-decoration:none\">{}</a></p>",
                escape(url),
                escape(step.label)
            );
        }
        How::Call(lines) => {
            paragraph(body, &format!("{}:", step.label), INK);
            let lines = lines.join("\n");
            let _ = writeln!(
                body,
                "<pre style=\"margin:0 0 16px;padding:12px;background:{PAPER};font-size:13px;line-height:1.5;color:{INK};\
                 white-space:pre-wrap;word-break:break-all\">{}</pre>",
                escape(&lines)
            );
        }
    }
}
