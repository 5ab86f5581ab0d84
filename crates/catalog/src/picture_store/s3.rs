//! A bucket of an S3-compatible store, addressed by its path, with requests signed by AWS Signature Version 4
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>).

use super::{PictureStore, StoreError, Stored};
use contracts::{
    catalog::{PictureFormat, PictureName},
    secret::Secret,
    time::Timestamp,
};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::{Method, Request, StatusCode, Uri, body::Bytes, header};
use platform::{
    env::Env,
    hex,
    https::{HttpsClient, Reach},
};
use sha2::{Digest as _, Sha256};

/// The largest object that is read. No size of a picture is larger.
const MAX_OBJECT: usize = 16 * 1024 * 1024;

/// Where the bucket is, and who may use it.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Scheme, host and port.
    origin: String,
    host: String,
    /// Begins with a slash and does not end with one.
    path: String,
    region: String,
    key_id: String,
    secret: Secret,
}

impl Bucket {
    /// `url` is such as `https://s3.eu-central-1.amazonaws.com/my-pictures`.
    ///
    /// # Errors
    /// A sentence that names what is wrong with it.
    pub fn new(url: &str, region: &str, key_id: &str, secret: Secret) -> Result<Bucket, String> {
        let shape = || format!("{url} must be an http or https address with the name of the bucket as its path");
        let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| shape())?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(shape()) };
        // These letters are signed as they are.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        if uri.path().len() < 4 || uri.query().is_some() || authority.as_str().contains('@') || !uri.path().bytes().all(plain) {
            return Err(shape());
        }
        Ok(Bucket {
            origin: format!("{scheme}://{authority}"),
            host: authority.to_string(),
            path: uri.path().to_owned(),
            region: region.to_owned(),
            key_id: key_id.to_owned(),
            secret,
        })
    }

    /// Signs a request for an object.
    fn request(&self, method: Method, name: &str, body: Vec<u8>, now: Timestamp) -> Result<Request<Full<Bytes>>, StoreError> {
        let path = format!("{}/{name}", self.path);
        let (date, digest) = (basic_date(now), hex::encode(&Sha256::digest(&body)));
        let authorization = self.authorization(method.as_str(), &path, &date, &digest);
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .header(header::HOST, &self.host)
            .header("x-amz-content-sha256", digest)
            .header("x-amz-date", date)
            .header(header::AUTHORIZATION, authorization)
            .body(Full::new(body.into()))
            .map_err(|error| StoreError(error.to_string()))
    }

    fn authorization(&self, method: &str, path: &str, date: &str, digest: &str) -> String {
        const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
        let Bucket { host, region, key_id, .. } = self;
        let canonical = format!("{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{date}\n\n{SIGNED}\n{digest}");
        let day = date.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{region}/s3/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(&Sha256::digest(canonical)));
        let key = format!("AWS4{}", self.secret.reveal());
        let key = [day, region.as_str(), "s3", "aws4_request"].iter().fold(key.into_bytes(), |key, part| mac(&key, part));
        format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope},SignedHeaders={SIGNED},Signature={}", hex::encode(&mac(&key, &to_sign)))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The instant in the basic format of ISO 8601, such as `20130524T000000Z`.
fn basic_date(now: Timestamp) -> String {
    let digits: String = now.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{digits}Z")
}

/// The store in a bucket. Objects are durable when the store says that it has them.
pub struct S3Store {
    env: Env,
    client: HttpsClient,
    bucket: Bucket,
}

impl S3Store {
    #[must_use]
    pub fn new(env: Env, bucket: Bucket) -> S3Store {
        S3Store { client: HttpsClient::new(env.clone(), Reach::Any), env, bucket }
    }

    /// Sends a request about an object. `None` when there is no such object.
    async fn send(&self, method: Method, name: PictureName, body: Vec<u8>) -> Result<Option<Bytes>, StoreError> {
        let mut request = self.bucket.request(method.clone(), &name.to_string(), body, self.env.now())?;
        if method == Method::PUT {
            let kind = match name.format {
                PictureFormat::Jpeg => "image/jpeg",
                PictureFormat::Png => "image/png",
            };
            request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        }
        let answer = self.client.send(request, MAX_OBJECT).await.map_err(|error| StoreError(error.to_string()))?;
        let (head, body) = answer.into_parts();
        match head.status {
            StatusCode::NOT_FOUND if method != Method::PUT => Ok(None),
            status if status.is_success() => body.map(Some).ok_or_else(|| StoreError("the object broke off".to_owned())),
            status => {
                let text = body.unwrap_or_default();
                let code = code_of(&String::from_utf8_lossy(&text)).unwrap_or_default();
                Err(StoreError(format!("it answered {status} {code}")))
            }
        }
    }
}

/// The code in an error document of S3.
fn code_of(document: &str) -> Option<String> {
    let (_, rest) = document.split_once("<Code>")?;
    let code: String = rest.chars().take(64).take_while(char::is_ascii_alphanumeric).collect();
    Some(code)
}

impl PictureStore for S3Store {
    fn put(&self, name: PictureName, bytes: Vec<u8>) -> Stored<'_, ()> {
        Box::pin(async move { self.send(Method::PUT, name, bytes).await.map(|_| ()) })
    }

    fn get(&self, name: PictureName) -> Stored<'_, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.send(Method::GET, name, Vec::new()).await?.map(|bytes| bytes.to_vec())) })
    }

    fn has(&self, name: PictureName) -> Stored<'_, bool> {
        Box::pin(async move { Ok(self.send(Method::HEAD, name, Vec::new()).await?.is_some()) })
    }

    fn delete(&self, name: PictureName) -> Stored<'_, ()> {
        Box::pin(async move { self.send(Method::DELETE, name, Vec::new()).await.map(|_| ()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{catalog::PictureSize, ids::PictureId};
    use platform::testing::TestBucket;

    fn bucket(url: &str) -> Result<Bucket, String> {
        Bucket::new(url, "us-east-1", "AKIAIOSFODNN7EXAMPLE", Secret::parse("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").unwrap())
    }

    #[test]
    fn a_request_is_signed_as_the_specification_shows() {
        // The derived key, and the example of an empty body, of the documentation of AWS.
        let key = [("20120215"), ("us-east-1"), ("iam"), ("aws4_request")]
            .iter()
            .fold(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec(), |key, part| mac(&key, part));
        assert_eq!(hex::encode(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
        let request =
            bucket("https://s3.amazonaws.com/bucket").unwrap().request(Method::GET, "a.jpg", Vec::new(), Timestamp(1_369_353_600_000_000));
        let request = request.unwrap();
        assert_eq!(request.headers()["x-amz-date"], "20130524T000000Z");
        assert_eq!(request.headers()["x-amz-content-sha256"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(request.uri(), "https://s3.amazonaws.com/bucket/a.jpg");
        let signed = request.headers()["authorization"].to_str().unwrap();
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="));
        // What botocore of PyPI signs for the same request, key and instant.
        assert!(signed.ends_with(",Signature=df0e6a4b416f3e9898ff2544890e5d93a8a71ea016810bda52bb9bc5f206b613"), "{signed}");
    }

    #[test]
    fn the_address_of_a_bucket_has_a_host_and_a_path() {
        assert!(bucket("http://127.0.0.1:9000/pictures/").is_ok());
        for bad in [
            "",
            "pictures",
            "https://s3.example.com",
            "https://s3.example.com/",
            "ftp://s3.example.com/pictures",
            "https://a:b@s3.example.com/pictures",
            "https://s3.example.com/pictures?x=1",
        ] {
            assert!(bucket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_code_of_an_error_is_read() {
        assert_eq!(code_of("<Error><Code>AccessDenied</Code></Error>").as_deref(), Some("AccessDenied"));
        assert_eq!(code_of("no document"), None);
    }

    /// In the bucket of a server where `SOUK_TEST_S3` names one, as `scripts/check` does, else in one that the test has in memory.
    #[tokio::test]
    async fn objects_are_stored_read_and_removed() {
        let bucket = TestBucket::open().await;
        let of = |key_id: &str| Bucket::new(&bucket.url, "us-east-1", key_id, Secret::parse(TestBucket::KEY).unwrap()).unwrap();
        let store = S3Store::new(Env::system(), of(TestBucket::KEY));
        let picture_id: PictureId = Env::system().new_id();
        let name = PictureName { picture_id, size: PictureSize::Large, format: PictureFormat::Jpeg };
        assert_eq!((store.get(name).await.unwrap(), store.has(name).await.unwrap()), (None, false));
        for _ in 0..2 {
            store.put(name, vec![7; 3_000_000]).await.unwrap();
        }
        assert_eq!((store.get(name).await.unwrap(), store.has(name).await.unwrap()), (Some(vec![7; 3_000_000]), true));
        let stranger = S3Store::new(Env::system(), of("wrong"));
        let refused = stranger.get(name).await.unwrap_err();
        assert!(refused.to_string().contains("InvalidAccessKeyId"), "{refused}");
        assert!(stranger.put(name, vec![8]).await.is_err() && stranger.delete(name).await.is_err());
        let elsewhere =
            Bucket::new(&format!("{}-of-nobody", bucket.url), "us-east-1", TestBucket::KEY, Secret::parse(TestBucket::KEY).unwrap());
        let elsewhere = S3Store::new(Env::system(), elsewhere.unwrap());
        assert!(elsewhere.put(name, vec![8]).await.unwrap_err().to_string().contains("NoSuchBucket"));
        for _ in 0..2 {
            store.delete(name).await.unwrap();
        }
        assert_eq!(store.get(name).await.unwrap(), None);
    }
}
