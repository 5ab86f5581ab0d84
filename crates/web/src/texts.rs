//! Every text of the pages, in every language.

use axum::http::{HeaderMap, HeaderValue, header};

/// A language of the pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    /// The first language of `Accept-Language` that the pages have, by its quality (RFC 9110, 12.5.4); English otherwise.
    pub fn of(headers: &HeaderMap) -> Language {
        Language::accepted(headers.get(header::ACCEPT_LANGUAGE))
    }

    /// [`Language::of`], from the header alone.
    pub fn accepted(accept_language: Option<&HeaderValue>) -> Language {
        let accepted = accept_language.and_then(|value| value.to_str().ok()).unwrap_or_default();
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
        Texts::of(self)
    }
}

/// Declares the texts of one part of the site in every language.
macro_rules! texts {
    ($table:ident; $($name:ident: $english:literal, $german:literal;)*) => {
        /// The texts of one language.
        pub struct $table {
            $(pub $name: &'static str,)*
        }

        impl $table {
            pub fn of(language: $crate::texts::Language) -> &'static $table {
                static ENGLISH: $table = $table { $($name: $english,)* };
                static GERMAN: $table = $table { $($name: $german,)* };
                match language {
                    $crate::texts::Language::English => &ENGLISH,
                    $crate::texts::Language::German => &GERMAN,
                }
            }
        }

        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $german),)*];
    };
}

mod admin_texts;
mod code_texts;
mod dashboard_texts;
mod field_texts;
mod goods_texts;
mod integration_texts;
mod problem_texts;
mod seller_texts;
mod shop_texts;

pub use admin_texts::AdminTexts;
pub use code_texts::code_words;
pub use dashboard_texts::DashboardTexts;
pub use field_texts::field_words;
pub use goods_texts::goods_words;
pub use integration_texts::IntegrationTexts;
pub use problem_texts::{failure_words, problem_words};
pub use seller_texts::SellerTexts;
pub use shop_texts::Texts;

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
        for (name, english, german) in
            [admin_texts::ALL, dashboard_texts::ALL, integration_texts::ALL, seller_texts::ALL, shop_texts::ALL].concat()
        {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
        }
    }
}
