//! Reads uploaded pictures and makes the sizes that are kept.
//!
//! A file is decoded within limits, turned as its EXIF data says, and encoded again, so nothing of the file is kept but what it
//! shows: no metadata, no place, nothing that is hidden behind the picture. Colour profiles are dropped without conversion.
//! Pictures that move are refused, because only their first frame would be left.

use contracts::{
    catalog::{Picture, PictureFormat, PictureName, PictureSize, SizedPicture},
    ids::{PictureId, UserId, Uuid},
};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits,
    codecs::{
        jpeg::{JpegDecoder, JpegEncoder},
        png::{CompressionType, FilterType, PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
    imageops,
};
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

/// The quality of JPEG, in percent.
const QUALITY: u8 = 85;
/// The largest file of one size. A picture that takes more is made smaller still.
const MAX_BYTES: usize = 3 * 1024 * 1024;
/// Twelve are usual. Each pass over a progressive JPEG costs time for every pixel, however few bytes it has.
const MAX_SCANS: usize = 64;
/// The most pixels in one direction.
const MAX_SIDE: u32 = 16_384;
/// The most bytes of one decoded pixel.
const MAX_PIXEL_BYTES: u64 = 8;

/// Why a file is refused. The text completes "the picture …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("must be a JPEG, PNG or WebP file")]
    Format,
    #[error("is empty")]
    Empty,
    #[error("cannot be read: the file is cut off or damaged")]
    Damaged,
    #[error("moves; send a picture of one frame")]
    Animated,
    #[error("has more than {pixels} pixels, or more than {MAX_SIDE} in one direction")]
    TooManyPixels { pixels: u64 },
    #[error("has too many scans")]
    TooManyScans,
}

impl Refusal {
    /// The code of the fault.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::Format => "UNSUPPORTED_FORMAT",
            Refusal::Empty => "EMPTY",
            Refusal::Damaged => "DAMAGED",
            Refusal::Animated => "ANIMATED",
            Refusal::TooManyPixels { .. } => "TOO_MANY_PIXELS",
            Refusal::TooManyScans => "TOO_MANY_SCANS",
        }
    }
}

/// One size, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedSize {
    pub size: PictureSize,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// A picture in every size, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPicture {
    pub format: PictureFormat,
    /// The smallest first.
    pub sizes: Vec<EncodedSize>,
}

impl EncodedPicture {
    /// Returns the id of this picture of `seller`: the same content has the same id, and that of another seller another one.
    pub fn id(&self, seller: Option<UserId>) -> PictureId {
        let mut hash = Sha256::new();
        hash.update(seller.map_or(Uuid::nil(), Uuid::from).as_bytes());
        for size in &self.sizes {
            hash.update(&size.bytes);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        // RFC 9562: version 8, and the variant.
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        PictureId(Uuid::from_bytes(id))
    }

    pub fn byte_count(&self) -> usize {
        self.sizes.iter().map(|size| size.bytes.len()).sum()
    }
}

/// Reads a file and makes every size of its picture. It takes memory and time for up to `max_pixels`.
///
/// # Errors
/// When the file is not a picture that can be kept.
pub fn encode(file: &[u8], max_pixels: u64) -> Result<EncodedPicture, Refusal> {
    let decoded = decode(file, max_pixels)?;
    let format = if decoded.color().has_alpha() && has_transparency(&decoded) { PictureFormat::Png } else { PictureFormat::Jpeg };
    let mut source = if format == PictureFormat::Png { decoded } else { DynamicImage::ImageRgb8(decoded.into_rgb8()) };
    let mut sizes = Vec::new();
    for size in PictureSize::ALL.iter().rev().copied() {
        let (image, bytes) = encode_size(&source, size.side(), format)?;
        sizes.push(EncodedSize { size, width: image.width(), height: image.height(), bytes });
        source = image;
    }
    sizes.reverse();
    Ok(EncodedPicture { format, sizes })
}

/// Decodes the picture, at most twice as large as the largest size, upright, with eight bits a channel.
fn decode(file: &[u8], max_pixels: u64) -> Result<DynamicImage, Refusal> {
    if file.is_empty() {
        return Err(Refusal::Empty);
    }
    let mut limits = Limits::no_limits();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(max_pixels.saturating_mul(MAX_PIXEL_BYTES));
    let refuse = |error| refusal(&error, max_pixels);
    let reader = Cursor::new(file);
    let mut decoder: Box<dyn ImageDecoder> = match image::guess_format(file) {
        Ok(ImageFormat::Jpeg) => {
            check_scans(file)?;
            Box::new(JpegDecoder::new(reader).map_err(refuse)?)
        }
        Ok(ImageFormat::Png) => {
            let decoder = PngDecoder::with_limits(reader, limits.clone()).map_err(refuse)?;
            if decoder.is_apng().map_err(refuse)? {
                return Err(Refusal::Animated);
            }
            Box::new(decoder)
        }
        Ok(ImageFormat::WebP) => {
            // The decoder reads a picture whose last bytes are missing.
            let length = file.first_chunk::<8>().map_or(0, |head| u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            if (file.len() as u64) < u64::from(length) + 8 {
                return Err(Refusal::Damaged);
            }
            let decoder = WebPDecoder::new(reader).map_err(refuse)?;
            if decoder.has_animation() {
                return Err(Refusal::Animated);
            }
            Box::new(decoder)
        }
        _ => return Err(Refusal::Format),
    };
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Refusal::TooManyPixels { pixels: max_pixels });
    }
    decoder.set_limits(limits).map_err(refuse)?;
    let orientation = decoder.orientation().map_err(refuse)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refuse)?;
    // Averaging by whole pixels takes little memory; the final size is resampled from the result.
    let side = 2 * PictureSize::Large.side();
    if image.width().max(image.height()) > side {
        image = image.thumbnail(side, side);
    }
    image.apply_orientation(orientation);
    Ok(if image.color().has_alpha() { image.into_rgba8().into() } else { image.into_rgb8().into() })
}

/// Encodes the picture with at most `side` pixels in each direction.
fn encode_size(source: &DynamicImage, mut side: u32, format: PictureFormat) -> Result<(DynamicImage, Vec<u8>), Refusal> {
    loop {
        let image = match source.width().max(source.height()) > side {
            true => source.resize(side, side, imageops::FilterType::Lanczos3),
            false => source.clone(),
        };
        let mut bytes = Vec::new();
        let encoded = match format {
            PictureFormat::Jpeg => image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)),
            PictureFormat::Png => {
                image.write_with_encoder(PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive))
            }
        };
        encoded.map_err(|_| Refusal::Damaged)?;
        if bytes.len() <= MAX_BYTES || side <= PictureSize::Small.side() {
            return Ok((image, bytes));
        }
        side = side * 3 / 4;
    }
}

fn has_transparency(image: &DynamicImage) -> bool {
    image.as_rgba8().is_some_and(|image| image.pixels().any(|pixel| pixel.0[3] < u8::MAX))
}

fn refusal(error: &ImageError, max_pixels: u64) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::TooManyPixels { pixels: max_pixels },
        _ => Refusal::Damaged,
    }
}

/// Checks that a JPEG is complete and has few scans. The decoder fills what is missing with grey and takes any number of scans.
fn check_scans(file: &[u8]) -> Result<(), Refusal> {
    const SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let (mut at, mut scans) = (2, 0);
    loop {
        // Any number of fill bytes may stand before a marker. Data of a scan ends with a marker that is no restart.
        let marker = loop {
            let rest = file.get(at..).ok_or(Refusal::Damaged)?;
            let found = rest.iter().position(|byte| *byte == 0xff).ok_or(Refusal::Damaged)?;
            let next = *rest.get(found + 1).ok_or(Refusal::Damaged)?;
            at += found + 1;
            if !matches!(next, 0 | 0xd0..=0xd7 | 0xff) {
                at += 1;
                break next;
            }
        };
        if marker == END {
            return if scans > 0 { Ok(()) } else { Err(Refusal::Damaged) };
        }
        scans += usize::from(marker == SCAN);
        if scans > MAX_SCANS {
            return Err(Refusal::TooManyScans);
        }
        let length = file.get(at..at + 2).ok_or(Refusal::Damaged)?;
        at += usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
}

/// Describes a stored picture. `sizes` has width and height of each size, the smallest first.
pub fn describe(picture_id: PictureId, format: PictureFormat, sizes: [(u32, u32); 3]) -> Picture {
    let sized = |(size, (width, height)): (&PictureSize, (u32, u32))| {
        let url = PictureName { picture_id, size: *size, format }.url();
        SizedPicture { size: *size, url, width, height }
    };
    let sizes: Vec<SizedPicture> = PictureSize::ALL.iter().zip(sizes).map(sized).collect();
    let SizedPicture { url, width, height, .. } = sizes[sizes.len() - 1].clone();
    Picture { url, width, height, sizes }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
