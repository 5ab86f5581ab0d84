//! Pictures in the sizes in which they are kept.

use contracts::catalog::{PictureName, PictureSize};

/// A picture and its other sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    pub url: String,
    /// The attribute `srcset`; empty for a picture that is kept elsewhere.
    pub srcset: String,
}

impl Sizes {
    pub fn of(url: &str) -> Sizes {
        let Some(name) = PictureName::of_url(url) else { return Sizes { url: url.to_owned(), srcset: String::new() } };
        let sizes = PictureSize::ALL.iter().map(|size| format!("{} {}w", PictureName { size: *size, ..name }.url(), size.side()));
        let medium = PictureName { size: PictureSize::Medium, ..name };
        Sizes { url: medium.url(), srcset: sizes.collect::<Vec<_>>().join(", ") }
    }
}

/// Returns the address of the small size of a picture.
pub fn small(url: &str) -> String {
    PictureName::of_url(url).map_or_else(|| url.to_owned(), |name| PictureName { size: PictureSize::Small, ..name }.url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploaded_pictures_have_sizes_and_others_have_not() {
        let name = |size: &str| format!("/api/v1/images/0190a1b2-c3d4-8000-8000-00000000000f-{size}.jpg");
        let sized = Sizes::of(&name("large"));
        assert_eq!(sized.url, name("medium"));
        assert_eq!(sized.srcset, format!("{} 240w, {} 640w, {} 1600w", name("small"), name("medium"), name("large")));
        assert_eq!(small(&name("large")), name("small"));
        let other = "https://pictures.example/lamp.jpg";
        assert_eq!((Sizes::of(other), &*small(other)), (Sizes { url: other.into(), srcset: String::new() }, other));
    }
}
