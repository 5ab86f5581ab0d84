//! A picture from its upload to the order that shows it, through a kill, a backup and a restore.

use super::server::{PROGRAM, Server, run};
use contracts::{
    body::BoundedVec,
    catalog::{ARRANGE_IMAGES, ArrangeImages, GET_PRODUCT, LIST_PICTURES, Picture, UPLOAD_PICTURE},
};
use hyper::Method;
use platform::testing::{TempFolder, TestBucket};
use souk::api_client::{ApiRequest, raw, request};
use std::process::Command;

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

#[tokio::test]
async fn pictures_are_kept_in_a_bucket() {
    let bucket = TestBucket::open().await;
    let url: &'static str = bucket.url.clone().leak();
    let settings = [
        ("SOUK_CATALOG_PICTURES_S3_URL", url),
        ("SOUK_CATALOG_PICTURES_S3_KEY_ID", TestBucket::KEY),
        ("SOUK_CATALOG_PICTURES_S3_SECRET", TestBucket::KEY),
    ];
    let mut server = Server::start_with(&settings).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP-B1", 1_000, 5).await;
    let picture = admin.must(request(&UPLOAD_PICTURE).path(product).bytes(FORM, form(sample()))).await;
    assert!(!server.folder.path().join("catalog/pictures").exists(), "nothing of it is in the data directory");
    server.kill_and_restart().await;
    let guest = server.guest();
    for size in &picture.sizes {
        let shown = guest.send(raw(Method::GET, size.url.strip_prefix("/api/v1").unwrap())).await;
        assert_eq!((shown.status.as_u16(), shown.headers["content-type"].to_str().unwrap()), (200, "image/jpeg"));
        assert!(shown.body.len() > 100);
    }

    // Backup and doctor say what they do about the bucket. The bucket of the test answers while they run.
    let copy = TempFolder::new();
    let said = [
        (vec!["backup", copy.path().to_str().unwrap()], format!("Uploaded pictures are in the bucket {url} and not in it")),
        (vec!["doctor", "--verbose"], format!("in the bucket {url}: 1 pictures, all of them, were looked for there")),
    ];
    // Servers have tools of their own for backups.
    for (arguments, said) in said.into_iter().filter(|_| !super::servers::are_used()) {
        let mut command = Command::new(PROGRAM);
        command.args(&arguments).env("SOUK_DATA_DIR", server.folder.path()).env("SOUK_LOG", "error").envs(settings);
        let ended = tokio::task::spawn_blocking(move || command.output().expect("it ends")).await.unwrap();
        let output = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && output.contains(&said), "{arguments:?}: {output}");
    }

    let admin = admin.at(&server);
    admin.must(request(&ARRANGE_IMAGES).path(product).body(&ArrangeImages { images: BoundedVec::default() })).await;
    assert_eq!(guest.must(request(&GET_PRODUCT).path(product)).await.images, Vec::<String>::new());
    assert!(server.terminate().await);
}
