//! A picture from its upload to the order that shows it, through a kill, a backup and a restore.

use super::server::{Server, run};
use contracts::{
    body::BoundedVec,
    catalog::{ARRANGE_IMAGES, ArrangeImages, GET_PRODUCT, LIST_PICTURES, Picture, UPLOAD_PICTURE},
};
use hyper::Method;
use platform::testing::TempFolder;
use souk::api_client::{ApiRequest, raw, request};

/// The media type of [`form`].
pub const FORM: &str = "multipart/form-data; boundary=souk";

/// A form with one file.
pub fn form(file: &[u8]) -> Vec<u8> {
    let head = b"--souk\r\nContent-Disposition: form-data; name=\"file\"; filename=\"lamp.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
    [head, file, b"\r\n--souk--\r\n"].concat()
}

/// A photo of 60 × 40 pixels that its EXIF data turn, with a place.
pub fn sample() -> &'static [u8] {
    include_bytes!("../../../catalog/src/tests/pictures/rotated.jpg")
}

fn local(picture: &Picture) -> ApiRequest {
    raw(Method::GET, picture.url.strip_prefix("/api/v1").expect("a path of the API"))
}

#[tokio::test]
async fn a_picture_is_shown_until_it_is_taken_off_and_survives_a_kill_and_a_restore() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP-1", 1_000, 5).await;
    // More than other bodies may have, as a photo of a phone has.
    let photo = [sample(), &vec![0; 3 * 1024 * 1024]].concat();
    let picture = admin.must(request(&UPLOAD_PICTURE).path(product).bytes(FORM, form(&photo))).await;
    assert_eq!((picture.width, picture.height), (40, 60));
    let huge = vec![0; 12 * 1024 * 1024];
    let refused = admin.send(request(&UPLOAD_PICTURE).path(product).bytes(FORM, huge)).await;
    assert_eq!(refused.problem(), (413, "PAYLOAD_TOO_LARGE".to_owned()));
    let other = admin.send(request(&ARRANGE_IMAGES).path(product).bytes("application/json", vec![b' '; 2 * 1024 * 1024])).await;
    assert_eq!(other.problem(), (413, "PAYLOAD_TOO_LARGE".to_owned()), "only uploads may be as large");

    let guest = server.guest();
    let shown = guest.send(local(&picture)).await;
    assert_eq!((shown.status.as_u16(), shown.headers["content-type"].to_str().unwrap()), (200, "image/jpeg"));
    assert_eq!(shown.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(shown.headers["x-content-type-options"], "nosniff");
    assert_eq!(shown.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(!shown.body.windows(12).any(|window| window == b"SECRET-PLACE"));
    let known = guest.send(local(&picture).header("if-none-match", shown.headers["etag"].to_str().unwrap())).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let listed = guest.must(request(&LIST_PICTURES).path(product)).await;
    assert_eq!(listed.items, std::slice::from_ref(&picture));

    let buyer = server.customer("mara").await;
    let cart = buyer.add(product, 1).await;
    assert_eq!(cart.items[0].image_url.as_deref(), Some(picture.url.as_str()));

    server.kill_and_restart().await;
    let guest = server.guest();
    assert_eq!(guest.send(local(&picture)).await.body, shown.body);
    let copy = TempFolder::new();
    let (done, output) = run(server.folder.path(), &["backup", copy.path().to_str().unwrap()], "");
    assert!(done, "{output}");

    let admin = admin.at(&server);
    admin.must(request(&ARRANGE_IMAGES).path(product).body(&ArrangeImages { images: BoundedVec::default() })).await;
    assert_eq!(guest.must(request(&GET_PRODUCT).path(product)).await.images, Vec::<String>::new());
    server.stop_and_check().await;

    let restored = TempFolder::new();
    let (done, output) = run(restored.path(), &["restore", copy.path().to_str().unwrap()], "");
    assert!(done, "{output}");
    let server = Server::start_on(restored, &[]).await;
    let guest = server.guest();
    assert_eq!(guest.must(request(&GET_PRODUCT).path(product)).await.images, std::slice::from_ref(&picture.url));
    assert_eq!(guest.send(local(&picture)).await.body, shown.body);
    server.stop_and_check().await;
}
