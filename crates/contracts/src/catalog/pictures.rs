//! Uploaded pictures of products.
//!
//! A picture is named by its content: [`PICTURES`], its id, its size and its format, such as
//! `/api/v1/images/{pictureId}-large.jpg`. What a name shows never changes.

use crate::{body::BoundedVec, ids::PictureId, string_enum, text::ImageUrl};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The beginning of the address of every uploaded picture.
pub const PICTURES: &str = "/api/v1/images/";

/// The largest file that can be uploaded, in bytes.
pub const MAX_PICTURE_BYTES: usize = 10 * 1024 * 1024;

/// How many pictures a product may have.
pub const MAX_IMAGES: usize = 20;

string_enum! {
    /// A size in which a picture is kept. A picture is never enlarged.
    PictureSize {
        /// At most 240 pixels wide and high.
        Small = "small",
        /// At most 640 pixels wide and high.
        Medium = "medium",
        /// At most 1,600 pixels wide and high.
        Large = "large",
    }
    /// The format in which a picture is kept.
    PictureFormat {
        /// For pictures without transparency.
        Jpeg = "jpg",
        /// For pictures with transparency.
        Png = "png",
    }
}

impl PictureSize {
    /// The most pixels in each direction.
    #[must_use]
    pub fn side(self) -> u32 {
        match self {
            PictureSize::Small => 240,
            PictureSize::Medium => 640,
            PictureSize::Large => 1_600,
        }
    }
}

/// The name of the file of one size of a picture: `{pictureId}-{size}.{format}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureName {
    pub picture_id: PictureId,
    pub size: PictureSize,
    pub format: PictureFormat,
}

impl PictureName {
    /// Reads a name; `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<PictureName> {
        let (stem, format) = name.rsplit_once('.')?;
        let (id, size) = stem.rsplit_once('-')?;
        Some(PictureName { picture_id: id.parse().ok()?, size: size.parse().ok()?, format: format.parse().ok()? })
    }

    /// Reads the address of an uploaded picture; `None` for the address of any other picture.
    #[must_use]
    pub fn of_url(url: &str) -> Option<PictureName> {
        PictureName::parse(url.strip_prefix(PICTURES)?)
    }

    #[must_use]
    pub fn url(self) -> String {
        format!("{PICTURES}{self}")
    }
}

impl std::fmt::Display for PictureName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}.{}", self.picture_id, self.size, self.format)
    }
}

/// An uploaded picture in its largest size, and its other sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// The address that `images` of the product has.
    pub url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Every size, the smallest first.
    pub sizes: Vec<SizedPicture>,
}

/// One size of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SizedPicture {
    /// The name of the size.
    pub size: PictureSize,
    /// Its address.
    pub url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The uploaded pictures of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PictureList {
    /// In the order of the product's `images`, without those that are kept elsewhere.
    pub items: Vec<Picture>,
}

/// Orders the pictures of a product, and removes those that are left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArrangeImages {
    /// Addresses that the product's `images` has, each once, the main picture first.
    pub images: BoundedVec<ImageUrl, 0, MAX_IMAGES>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_no_other_text_is_one() {
        let name = "0190a1b2-c3d4-8000-8000-00000000000f-medium.png";
        assert_eq!(PictureName::parse(name).unwrap().to_string(), name);
        assert_eq!(PictureName::of_url(&format!("/api/v1/images/{name}")).unwrap().size, PictureSize::Medium);
        let path = format!("../{name}");
        for other in ["", "-.", "x-large.jpg", &name[1..], &name.replace("png", "svg"), &name.replace("medium", "MEDIUM"), &path] {
            assert_eq!(PictureName::parse(other), None, "{other}");
        }
        assert_eq!(PictureName::of_url(&format!("https://example.com/api/v1/images/{name}")), None);
    }
}
