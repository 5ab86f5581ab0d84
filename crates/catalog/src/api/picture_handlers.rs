//! Handlers of pictures.

use super::viewer;
use crate::{
    App, Error, actions,
    domain::picture::{self, EncodedPicture},
    store::{self, Pixels, StoredPicture},
};
use axum::{
    body::Body as AnswerBody,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{ArrangeImages, MAX_PICTURE_BYTES, Picture, PictureFormat, PictureList, PictureName, Product},
    ids::{ProductId, UserId},
    time::Timestamp,
};
use platform::{
    http::{
        Body, Created, DescribeAnswer, Idempotent, IfMatch, Json, MaybeIdempotencyKey, Path, Problem, State, Tagged, Upload,
        describe::OperationBuilder,
    },
    identity::{MaybeUser, SellerOrAdmin},
};

/// The body limit of an order of pictures: as many addresses as there can be, in any JSON spelling.
const LIMIT: usize = 128 * 1024;

/// A name means the same bytes for ever.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub async fn upload(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
    Upload(file): Upload<MAX_PICTURE_BYTES>,
) -> Result<Idempotent<Created<Picture>>, Problem> {
    let (db, owner) = (&app.ctx.db, caller.owner());
    let seller_id = actions::check_room(db, owner, id).await?;
    let encoded = app.pictures.encode(file).await?;
    let picture = row_of(seller_id, &encoded);
    let (picture_id, described) = (picture.picture_id, described(&picture));
    actions::begin_picture(db, picture, app.pictures.per_seller).await?;
    app.pictures.put(picture_id, encoded).await?;
    actions::add_picture(db, owner, id, described, if_match, key).await
}

pub async fn arrange(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    if_match: IfMatch,
    Body(body): Body<ArrangeImages, LIMIT>,
) -> Result<Tagged<Json<Product>>, Problem> {
    actions::arrange_images(&app.ctx.db, caller.owner(), id, if_match, body).await
}

pub async fn list(user: MaybeUser, State(app): State<App>, Path(id): Path<ProductId>) -> Result<Json<PictureList>, Problem> {
    let viewer = viewer(&user);
    let (images, stored) = app
        .ctx
        .db
        .read(async move |tx| -> Result<_, Error> {
            let found = store::find_product(tx, id).await?.filter(|product| viewer.can_see(product));
            let product = found.ok_or(Error::NotFound("product"))?;
            Ok((product.images, store::list_pictures_of(tx, id).await?))
        })
        .await?;
    let of = |url: &String| stored.iter().map(described).find(|picture| picture.sizes.iter().any(|size| size.url == *url));
    Ok(Json(PictureList { items: images.iter().filter_map(of).collect() }))
}

pub async fn get(State(app): State<App>, Path(file): Path<String>) -> Result<PictureFile, Problem> {
    let name = PictureName::parse(&file).ok_or(Error::NotFound("picture"))?;
    let bytes = app.pictures.get(name).await?.ok_or(Error::NotFound("picture"))?;
    Ok(PictureFile { name, bytes })
}

/// The file of one size.
pub struct PictureFile {
    name: PictureName,
    bytes: Vec<u8>,
}

impl IntoResponse for PictureFile {
    fn into_response(self) -> Response {
        let kind = match self.name.format {
            PictureFormat::Jpeg => "image/jpeg",
            PictureFormat::Png => "image/png",
        };
        let mut response = Response::new(AnswerBody::from(self.bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, IMMUTABLE);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Front ends on other origins show the pictures.
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.name)) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

impl DescribeAnswer for PictureFile {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.file_answer(200, "The picture.", &["image/jpeg", "image/png"]);
        operation.answer_header("Cache-Control", "A name means the same picture for ever: keep it for a year.");
        operation.answer_header("ETag", "The name of the file.");
        operation.answer_not_modified();
    }
}

fn row_of(seller_id: Option<UserId>, encoded: &EncodedPicture) -> StoredPicture {
    let pixels = |at: usize| Pixels { width: encoded.sizes[at].width, height: encoded.sizes[at].height };
    StoredPicture {
        picture_id: encoded.id(seller_id),
        seller_id,
        format: encoded.format,
        small: pixels(0),
        medium: pixels(1),
        large: pixels(2),
        bytes: i64::try_from(encoded.byte_count()).unwrap_or(i64::MAX),
        created_at: Timestamp::EPOCH,
        due_at: None,
        is_removing: false,
    }
}

fn described(picture: &StoredPicture) -> Picture {
    let StoredPicture { picture_id, format, small, medium, large, .. } = *picture;
    picture::describe(picture_id, format, [small, medium, large].map(|size| (size.width, size.height)))
}
