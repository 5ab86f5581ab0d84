use super::*;
use image::{GenericImageView as _, Rgb, Rgba, RgbaImage};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../tests/pictures/", $name)).as_slice()
    };
}

const MAX: u64 = 1_000_000;

fn read(file: &[u8]) -> EncodedPicture {
    encode(file, MAX).unwrap()
}

fn shown(encoded: &EncodedPicture, size: usize) -> DynamicImage {
    image::load_from_memory(&encoded.sizes[size].bytes).unwrap()
}

/// Whether the pixel is the red or the blue of the samples.
fn colour(image: &DynamicImage, x: u32, y: u32) -> &'static str {
    match image.get_pixel(x, y).0 {
        [r, g, b, _] if r > 150 && g < 90 && b < 90 => "red",
        [r, g, b, _] if b > 150 && r < 90 && g < 90 => "blue",
        _ => "other",
    }
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn white(width: u32, height: u32) -> Vec<u8> {
    png(&DynamicImage::ImageRgb8(image::RgbImage::from_pixel(width, height, Rgb([255; 3]))))
}

#[test]
fn a_picture_is_turned_as_its_exif_data_says_and_loses_them() {
    let original = file!("rotated.jpg");
    assert!(original.windows(12).any(|window| window == b"SECRET-PLACE"));
    let encoded = read(original);
    assert_eq!(encoded.format, PictureFormat::Jpeg);
    let large = &encoded.sizes[2];
    assert_eq!((large.size, large.width, large.height), (PictureSize::Large, 40, 60), "the file is 60 × 40, lying");
    let image = shown(&encoded, 2);
    assert_eq!((colour(&image, 20, 10), colour(&image, 20, 50)), ("red", "blue"));
    for size in &encoded.sizes {
        for word in [&b"SECRET-PLACE"[..], b"Exif"] {
            assert!(!size.bytes.windows(word.len()).any(|window| window == word));
        }
    }
}

#[test]
fn every_kind_of_picture_is_read_as_it_looks() {
    for file in [file!("cmyk.jpg"), file!("progressive.jpg"), file!("plain.webp")] {
        let image = shown(&read(file), 2);
        assert_eq!((colour(&image, 10, 20), colour(&image, 50, 20)), ("red", "blue"));
    }
    assert_eq!(shown(&read(file!("grey.jpg")), 2).dimensions(), (60, 40));
    let sixteen = shown(&read(file!("sixteen.png")), 2).into_luma8();
    assert!(sixteen.get_pixel(59, 20).0[0] > 200 && sixteen.get_pixel(0, 20).0[0] < 20, "16 bits become 8");
    for file in [file!("transparent.png"), file!("transparent.webp")] {
        let encoded = read(file);
        assert_eq!(encoded.format, PictureFormat::Png);
        let image = shown(&encoded, 0);
        assert_eq!((image.get_pixel(1, 1).0[3], image.get_pixel(30, 20).0), (0, [20, 200, 20, 255]));
    }
    let opaque = png(&DynamicImage::ImageRgba8(RgbaImage::from_pixel(9, 9, Rgba([9, 9, 9, 255]))));
    assert_eq!(read(&opaque).format, PictureFormat::Jpeg, "a picture without a transparent pixel needs no alpha");
}

#[test]
fn sizes_keep_the_proportions_and_never_grow() {
    let extents = |file: Vec<u8>| read(&file).sizes.iter().map(|size| (size.width, size.height)).collect::<Vec<_>>();
    assert_eq!(extents(white(800, 600)), [(240, 180), (640, 480), (800, 600)]);
    assert_eq!(extents(white(100, 250)), [(96, 240), (100, 250), (100, 250)]);
    assert_eq!(extents(white(10_000, 1)), [(240, 1), (640, 1), (1_600, 1)]);
    let large = encode(&white(3_300, 40), MAX).unwrap();
    assert_eq!(large.sizes[2].width, 1_600);
}

#[test]
fn the_same_content_has_the_same_name_and_that_of_another_seller_another() {
    let (one, two) = (read(file!("plain.webp")), read(file!("plain.webp")));
    let seller = Some(UserId(Uuid::from_u128(7)));
    assert_eq!(one.id(None), two.id(None));
    assert_ne!(one.id(None), one.id(seller));
    assert_ne!(one.id(None), read(file!("grey.jpg")).id(None));
    assert_eq!(one.id(None).0.get_version_num(), 8);
}

#[test]
fn what_hides_behind_a_picture_is_not_kept() {
    let mut polyglot = file!("progressive.jpg").to_vec();
    polyglot.extend_from_slice(b"PK\x03\x04<script>alert(1)</script>");
    for size in read(&polyglot).sizes {
        assert!(!size.bytes.windows(8).any(|window| window == b"<script>"));
    }
}

#[test]
fn files_that_are_no_picture_to_keep_are_refused() {
    let refused = |file: &[u8]| encode(file, MAX).unwrap_err();
    assert_eq!(refused(b""), Refusal::Empty);
    for other in [&b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..], b"GIF", b"%PDF-1.7", b"\0", file!("picture.gif")] {
        assert_eq!(refused(other), Refusal::Format, "{other:?}");
    }
    for moving in [file!("moving.webp"), file!("moving.png")] {
        assert_eq!(refused(moving), Refusal::Animated);
    }
    // A file of another type behind the first bytes of a picture.
    assert_eq!(refused(b"\xff\xd8\xff<html>"), Refusal::Damaged);
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n<html>"), Refusal::Damaged);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    for file in [file!("rotated.jpg"), file!("progressive.jpg"), file!("sixteen.png"), file!("plain.webp"), file!("transparent.webp")] {
        // A PNG without its last chunk has every pixel.
        let end = if file.starts_with(b"\x89PNG") { file.len() - 12 } else { file.len() };
        for length in 0..end {
            assert!(encode(&file[..length], MAX).is_err(), "{length} of {} bytes", file.len());
        }
    }
}

#[test]
fn changed_bytes_never_end_the_program() {
    for file in [file!("rotated.jpg"), file!("progressive.jpg"), file!("sixteen.png"), file!("plain.webp"), file!("transparent.webp")] {
        for at in 0..file.len() {
            for flip in [0xff, 0x01] {
                let mut changed = file.to_vec();
                changed[at] ^= flip;
                // A panic of a decoder is caught where pictures are read, and would still be a fault worth knowing.
                let _ = encode(&changed, 100_000);
            }
        }
    }
}

#[test]
fn bombs_are_refused_before_they_are_read() {
    let too_large = Refusal::TooManyPixels { pixels: MAX };
    // A hundred million white pixels in some kilobytes.
    let mut bomb = white(64, 64);
    bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(encode(&bomb, MAX), Err(too_large));
    assert_eq!(encode(&white(1_001, 1_000), MAX), Err(too_large));
    assert!(encode(&white(1_000, 1_000), MAX).is_ok());
    assert_eq!(encode(&white(MAX_SIDE + 1, 1), MAX), Err(too_large));
    let mut jpeg = file!("progressive.jpg").to_vec();
    let frame = jpeg.windows(2).position(|window| window == [0xff, 0xc2]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(encode(&jpeg, MAX), Err(too_large));
}

#[test]
fn a_jpeg_of_many_scans_is_refused() {
    let jpeg = file!("progressive.jpg");
    let scan = jpeg.windows(2).collect::<Vec<_>>().iter().rposition(|window| **window == [0xff, 0xda]).unwrap();
    let end = jpeg.len() - 2;
    let mut many = jpeg[..scan].to_vec();
    for _ in 0..MAX_SCANS {
        many.extend_from_slice(&jpeg[scan..end]);
    }
    many.extend_from_slice(&jpeg[end..]);
    assert_eq!(encode(&many, MAX), Err(Refusal::TooManyScans));
}

#[test]
fn a_picture_that_takes_too_many_bytes_is_made_smaller() {
    // Noise cannot be compressed.
    let mut state = 1_u32;
    let noise = RgbaImage::from_fn(1_200, 1_200, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgba(state.to_be_bytes())
    });
    let encoded = encode(&png(&DynamicImage::ImageRgba8(noise)), 2_000_000).unwrap();
    assert_eq!(encoded.format, PictureFormat::Png);
    assert!(encoded.sizes.iter().all(|size| size.bytes.len() <= MAX_BYTES));
    assert!(encoded.sizes[2].width < 1_200);
}

/// The checksum of a chunk of a PNG.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)));
    !bytes.iter().fold(u32::MAX, step)
}
