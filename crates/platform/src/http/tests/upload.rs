use super::*;
use axum::http::StatusCode;

async fn upload(kind: &str, body: &str) -> Result<Vec<u8>, (StatusCode, Option<String>)> {
    let hash = BodyHash::default();
    let mut request = Request::post("/files").header("content-type", kind).body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(hash);
    match Upload::<10>::from_request(request, &()).await {
        Ok(Upload(bytes)) => Ok(bytes.to_vec()),
        Err(problem) => Err((problem.status(), problem.faults().first().map(|fault| fault.code.to_string()))),
    }
}

const FORM: &str = "multipart/form-data; boundary=b";

fn part(name: &str, content: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../../etc\"\r\nContent-Type: text/html\r\n\r\n{content}\r\n"
    )
}

#[tokio::test]
async fn the_one_file_of_a_form_is_read() {
    assert_eq!(upload(FORM, &format!("{}--b--\r\n", part("file", "0123456789"))).await, Ok(b"0123456789".to_vec()));
    assert_eq!(upload(FORM, &format!("{}--b--\r\n", part("image", ""))).await, Ok(Vec::new()));
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let fault = |status: u16, code: Option<&str>| Err((StatusCode::from_u16(status).unwrap(), code.map(str::to_owned)));
    assert_eq!(upload("application/json", "{}").await, fault(415, None));
    assert_eq!(upload("multipart/form-data", "--b--").await, fault(415, None));
    assert_eq!(upload(FORM, "--b--\r\n").await, fault(422, Some("REQUIRED")));
    assert_eq!(upload(FORM, &format!("{}{}--b--\r\n", part("a", "1"), part("b", "2"))).await, fault(422, Some("TOO_MANY_FIELDS")));
    assert_eq!(upload(FORM, &format!("{}--b--\r\n", part("file", "0123456789a"))).await, fault(413, None));
    for broken in ["", "nothing", &part("file", "0123")[..40], &part("file", "0123")] {
        assert_eq!(upload(FORM, broken).await, fault(400, None), "{broken:?}");
    }
}

#[tokio::test]
async fn a_key_covers_the_file_and_not_the_form() {
    let hash_of = async |boundary: &str| {
        let hash = BodyHash::default();
        let body = part("file", "0123").replace("--b", &format!("--{boundary}")) + &format!("--{boundary}--\r\n");
        let request = Request::post("/files").header("content-type", format!("multipart/form-data; boundary={boundary}"));
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(hash.clone());
        Upload::<10>::from_request(request, &()).await.unwrap();
        hash
    };
    let same = BodyHash::default();
    same.set(b"0123");
    for boundary in ["one", "two"] {
        assert_eq!(format!("{:?}", hash_of(boundary).await), format!("{same:?}"));
    }
}
