//! A browser that runs no scripts, for journeys through the pages.

use super::server::Server;
use platform::http::encode_text;
use souk::api_client::{Api, Reply, raw};
use std::time::Duration;
use tokio::time::Instant;

/// What a browser without scripts does: it keeps cookies, posts forms and follows one redirection.
pub struct Browser {
    pub api: Api,
    pub cookie: String,
}

pub struct Shown {
    pub status: u16,
    pub path: String,
    pub html: String,
}

impl Shown {
    /// The value of the first attribute or text between `before` and `after`.
    pub fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.html.split_once(before).unwrap_or_else(|| panic!("{} has no {before}: {}", self.path, self.html));
        rest.split_once(after).expect("it ends").0
    }

    pub fn shows(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

impl Browser {
    pub fn new(server: &Server) -> Browser {
        Browser { api: server.api.clone(), cookie: String::new() }
    }

    fn keep_cookie<A>(&mut self, reply: &Reply<A>) {
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let pair = cookie.split(';').next().unwrap();
            let name = format!("{}=", pair.split('=').next().unwrap());
            let others = self.cookie.split("; ").filter(|known| !known.is_empty() && !known.starts_with(&name));
            self.cookie = others.chain([pair]).collect::<Vec<_>>().join("; ");
        }
    }

    pub async fn open(&mut self, path: &str) -> Shown {
        let request = raw("GET".parse().unwrap(), &format!("/{path}")).header("cookie", &self.cookie).header("accept", "text/html");
        let reply = self.api.send(request).await.unwrap();
        self.keep_cookie(&reply);
        Shown { status: reply.status.as_u16(), path: path.to_owned(), html: String::from_utf8(reply.body.to_vec()).unwrap() }
    }

    /// Opens a page again and again until it shows the text.
    pub async fn until(&mut self, path: &str, text: &str) -> Shown {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.open(path).await;
            if page.shows(text) {
                return page;
            }
            assert!(Instant::now() < deadline, "{path} never shows {text}: {}", page.html);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let mut form = String::new();
        for (name, value) in fields {
            form.push_str(if form.is_empty() { "" } else { "&" });
            encode_text(name, &mut form);
            form.push('=');
            encode_text(value, &mut form);
        }
        self.post_bytes(path, "application/x-www-form-urlencoded", form.into_bytes()).await
    }

    /// Posts a form as it is, such as one with a file.
    pub async fn post_bytes(&mut self, path: &str, kind: &'static str, form: Vec<u8>) -> Shown {
        let request = raw("POST".parse().unwrap(), &format!("/{path}"))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .bytes(kind, form);
        let reply = self.api.send(request).await.unwrap();
        self.keep_cookie(&reply);
        match reply.headers.get("location") {
            Some(to) if reply.status == 303 => {
                let to = to.to_str().unwrap().to_owned();
                self.open(&to).await
            }
            _ => Shown { status: reply.status.as_u16(), path: path.to_owned(), html: String::from_utf8(reply.body.to_vec()).unwrap() },
        }
    }
}
