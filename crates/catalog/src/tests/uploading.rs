use super::*;
use crate::{MissingPictures, Settings};
use contracts::catalog::{Picture, PictureList, ProductUpdated};
use platform::testing::{TestBucket, TestRequest};
use std::{fs, path::PathBuf, time::Duration};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("pictures/", $name)).as_slice()
    };
}

/// The body of an upload.
fn form(file: &[u8]) -> Vec<u8> {
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
    [head, file, b"\r\n--b--\r\n"].concat()
}

fn upload<'a>(h: &'a Harness, product: &Product, file: &[u8]) -> TestRequest<'a> {
    h.request("POST".parse().unwrap(), &format!("{}/images", path(product))).raw("multipart/form-data; boundary=b", form(file))
}

/// The files that are stored.
fn files(h: &Harness) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in fs::read_dir(h.data_dir().join("catalog/pictures")).into_iter().flatten().flatten() {
        found.extend(fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()));
    }
    found
}

fn local(url: &str) -> &str {
    url.strip_prefix("/api/v1").unwrap()
}

#[tokio::test]
async fn a_picture_is_uploaded_shown_ordered_and_removed() {
    let h = catalog().await;
    let seller = h.id();
    let mut body = lamp("LAMP-1");
    body["images"] = json!(["https://example.com/old.jpg"]);
    let product = create(&h, seller, &body).await;
    let answer = upload(&h, &product, file!("rotated.jpg")).seller(seller).send().await.expect(201);
    let first: Picture = answer.read();
    assert_eq!(answer.header("location"), first.url);
    assert_eq!((first.width, first.height, first.sizes.len()), (40, 60, 3));
    let second: Picture = upload(&h, &product, file!("transparent.webp")).seller(seller).send().await.expect(201).read();
    assert!(second.url.ends_with("-large.png"), "{}", second.url);

    let shown = h.get(local(&first.sizes[0].url)).send().await.expect(200);
    assert_eq!(shown.header("content-type"), "image/jpeg");
    assert_eq!(shown.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(image::guess_format(&shown.body).unwrap(), image::ImageFormat::Jpeg);
    let again = h.get(local(&first.sizes[0].url)).header("if-none-match", shown.header("etag")).send().await.expect(304);
    assert!(again.body.is_empty());

    let present: Product = h.get(&path(&product)).seller(seller).send().await.expect(200).read();
    assert_eq!(present.images, ["https://example.com/old.jpg", &first.url, &second.url]);
    assert_eq!(present.version, 3);
    assert_eq!(h.emitted_of::<ProductUpdated>().await[1].product.images, present.images);

    let order = json!({"images": [second.url, "https://example.com/old.jpg"]});
    let arranged: Product = h.patch(&format!("{}/images", path(&product)), &order).seller(seller).send().await.expect(200).read();
    assert_eq!(arranged.images, [&second.url, "https://example.com/old.jpg"]);
    let listed: PictureList = h.get(&format!("{}/images", path(&product))).seller(seller).send().await.expect(200).read();
    assert_eq!(listed.items, [second]);

    // Orders and mails may still show a removed picture for a while.
    h.complete().await;
    h.get(local(&first.url)).send().await.expect(200);
    assert_eq!(files(&h).len(), 6);
    h.advance(Duration::from_secs(30 * 86_400));
    h.complete().await;
    h.get(local(&first.url)).send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(files(&h).len(), 3);
    // The same picture can be uploaded anew.
    let anew: Picture = upload(&h, &product, file!("rotated.jpg")).seller(seller).send().await.expect(201).read();
    assert_eq!(anew, first);
    h.get(local(&first.url)).send().await.expect(200);
}

#[tokio::test]
async fn an_upload_that_is_repeated_changes_nothing() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let first = upload(&h, &product, file!("plain.webp")).seller(seller).key("k1").send().await.expect(201);
    let replay = upload(&h, &product, file!("plain.webp")).seller(seller).key("k1").send().await.expect(201);
    assert_eq!((replay.body, replay.headers.get("idempotency-replayed").is_some()), (first.body.clone(), true));
    upload(&h, &product, file!("grey.jpg")).seller(seller).key("k1").send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    let bare = upload(&h, &product, file!("plain.webp")).seller(seller).send().await.expect(201);
    assert_eq!(bare.body, first.body);
    let present: Product = h.get(&path(&product)).seller(seller).send().await.expect(200).read();
    assert_eq!((present.images.len(), present.version), (1, 2));
    // The files of the refused request belong to no product and are removed.
    h.advance(Duration::from_secs(3_601));
    h.complete().await;
    assert_eq!(files(&h).len(), 3);
}

#[tokio::test]
async fn only_the_seller_of_a_product_and_administrators_change_its_pictures() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    upload(&h, &product, file!("grey.jpg")).send().await.expect_problem(401, "UNAUTHENTICATED");
    upload(&h, &product, file!("grey.jpg")).customer(seller).send().await.expect_problem(403, "FORBIDDEN");
    upload(&h, &product, file!("grey.jpg")).seller(h.id()).send().await.expect_problem(404, "NOT_FOUND");
    let order = json!({"images": []});
    h.patch(&format!("{}/images", path(&product)), &order).seller(h.id()).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&format!("{}/images", path(&product))).send().await.expect_problem(404, "NOT_FOUND");
    let stale = upload(&h, &product, file!("grey.jpg")).seller(seller).header("if-match", "\"v9\"");
    stale.send().await.expect_problem(412, "PRECONDITION_FAILED");
    upload(&h, &product, file!("grey.jpg")).admin().send().await.expect(201);
}

#[tokio::test]
async fn a_picture_of_another_seller_is_an_address_and_no_more() {
    let h = catalog().await;
    let (seller, other) = (h.id(), h.id());
    let (mine, theirs) = (create(&h, seller, &lamp("LAMP-1")).await, create(&h, other, &lamp("LAMP-2")).await);
    let picture: Picture = upload(&h, &mine, file!("grey.jpg")).seller(seller).send().await.expect(201).read();
    h.patch(&path(&theirs), &json!({"images": [picture.url]})).seller(other).send().await.expect(200);
    // A second product of the same seller keeps the picture when the first one lets go of it.
    let mut twin = lamp("LAMP-3");
    twin["images"] = json!([picture.url]);
    let twin = create(&h, seller, &twin).await;
    h.patch(&path(&mine), &json!({"images": []})).seller(seller).send().await.expect(200);
    h.advance(Duration::from_secs(31 * 86_400));
    h.complete().await;
    h.get(local(&picture.url)).send().await.expect(200);
    h.patch(&path(&twin), &json!({"images": []})).seller(seller).send().await.expect(200);
    h.advance(Duration::from_secs(31 * 86_400));
    h.complete().await;
    h.get(local(&picture.url)).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn bad_files_change_nothing() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let cut = &file!("rotated.jpg")[..500];
    for (file, code) in [
        (&b""[..], "EMPTY"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>", "UNSUPPORTED_FORMAT"),
        (file!("picture.gif"), "UNSUPPORTED_FORMAT"),
        (cut, "DAMAGED"),
        (file!("moving.webp"), "ANIMATED"),
        (file!("moving.png"), "ANIMATED"),
    ] {
        let refused = upload(&h, &product, file).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["code"], code);
    }
    upload(&h, &product, &vec![0; 10 * 1024 * 1024 + 1]).seller(seller).send().await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    let images = format!("{}/images", path(&product));
    h.post(&images, &json!({})).seller(seller).send().await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let broken = h.request("POST".parse().unwrap(), &images).raw("multipart/form-data; boundary=b", "--b\r\nbroken");
    broken.seller(seller).send().await.expect_problem(400, "MALFORMED_REQUEST");
    let unknown = json!({"images": ["https://example.com/a.jpg", "https://example.com/a.jpg"]});
    let refused = h.patch(&images, &unknown).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"].as_array().unwrap().iter().map(|e| &e["code"]).collect::<Vec<_>>(), ["UNKNOWN_IMAGE", "DUPLICATE"]);
    for file in
        ["x", "..%2F..%2Fsecret", "01a21fbf-dfaf-8b9d-96e8-ada051442af9-large.svg", "01a21fbf-dfaf-8b9d-96e8-ada051442af9-large.jpg"]
    {
        h.get(&format!("/images/{file}")).send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(emitted_types(&h).await, ["ProductCreated"]);
    assert!(files(&h).is_empty());
}

#[tokio::test]
async fn a_product_and_a_seller_have_only_so_many_pictures() {
    let h = Harness::of(crate::service()).setting("pictures_per_seller", 1).start().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    upload(&h, &product, file!("grey.jpg")).seller(seller).send().await.expect(201);
    upload(&h, &product, file!("plain.webp")).seller(seller).send().await.expect_problem(409, "TOO_MANY_IMAGES");
    upload(&h, &product, file!("grey.jpg")).seller(seller).send().await.expect(201);
    let mut full = lamp("LAMP-2");
    full["images"] = json!((0..20).map(|number| format!("/old/{number}.jpg")).collect::<Vec<_>>());
    let full = create(&h, seller, &full).await;
    upload(&h, &full, file!("grey.jpg")).seller(seller).send().await.expect_problem(409, "TOO_MANY_IMAGES");
    advance(&h, seller, &product, "archive").await.expect(200);
    upload(&h, &product, file!("grey.jpg")).seller(seller).send().await.expect_problem(409, "ILLEGAL_TRANSITION");
}

#[tokio::test]
async fn more_pictures_than_can_wait_are_refused_for_a_moment() {
    let h = Harness::of(crate::service()).setting("pictures_waiting", 1).start().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let mut large = Vec::new();
    let white = image::DynamicImage::new_rgb8(4_000, 4_000);
    white.write_to(&mut std::io::Cursor::new(&mut large), image::ImageFormat::Png).unwrap();
    let (h, product) = (&h, &product);
    let mut tasks: Vec<_> = (0..6).map(|_| Box::pin(upload(h, product, &large).seller(seller).send())).collect();
    let mut refused = 0;
    // Each is polled until it waits for its picture, so all of them wait at the same time.
    for answer in join_all(&mut tasks).await {
        match answer.status.as_u16() {
            201 => {}
            _ => {
                assert_eq!(answer.expect_problem(503, "OVERLOADED").header("retry-after"), "2");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "one is read, one waits, and there are six");
}

/// Polls all futures until each is ready.
async fn join_all<F: Future + Unpin>(futures: &mut [F]) -> Vec<F::Output> {
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = std::pin::Pin::new(future).poll(context) {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_file_that_is_lost_is_found_by_the_doctor() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    upload(&h, &product, file!("grey.jpg")).seller(seller).send().await.expect(201);
    let look = async || crate::find_missing_pictures(h.db(), &Settings::default(), &h.data_dir().join("catalog"), 10).await.unwrap();
    assert_eq!(look().await, MissingPictures { looked_for: 1, ..MissingPictures::default() });
    fs::remove_file(&files(&h)[0]).unwrap();
    let found = look().await;
    assert!(found.missing.len() == 1 && found.missing[0].contains(".jpg is missing in"), "{found:?}");
}

#[tokio::test]
async fn a_bucket_keeps_the_files_until_the_pictures_are_removed() {
    let bucket = TestBucket::in_memory().await;
    let builder = Harness::of(crate::service()).setting("pictures_s3_url", bucket.url.as_str());
    let h = builder.setting("pictures_s3_key_id", TestBucket::KEY).setting("pictures_s3_secret", TestBucket::KEY).start().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let picture: Picture = upload(&h, &product, file!("grey.jpg")).seller(seller).send().await.expect(201).read();
    assert_eq!((bucket.names().len(), files(&h).len()), (3, 0));
    for size in &picture.sizes {
        let shown = h.get(local(&size.url)).send().await.expect(200);
        assert_eq!(image::load_from_memory(&shown.body).unwrap().width(), size.width);
    }
    let settings = Settings {
        pictures_s3_url: Some(bucket.url.clone()),
        pictures_s3_key_id: Some(TestBucket::KEY.into()),
        pictures_s3_secret: Some(contracts::secret::Secret::parse(TestBucket::KEY).unwrap()),
        ..Settings::default()
    };
    let look = async || crate::find_missing_pictures(h.db(), &settings, h.data_dir(), 10).await.unwrap().missing.len();
    assert_eq!(look().await, 0);
    let body = json!({"images": []});
    h.patch(&format!("{}/images", path(&product)), &body).seller(seller).send().await.expect(200);
    h.advance(Duration::from_secs(31 * 86_400));
    h.complete().await;
    assert_eq!(bucket.names(), Vec::<String>::new(), "30 days after the last product stopped to show it");
    h.get(local(&picture.url)).send().await.expect_problem(404, "NOT_FOUND");
}
