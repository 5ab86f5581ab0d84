//! A connection to the server that a test cuts.

use super::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Forwards connections to a server.
pub struct Proxy {
    pub port: u16,
    /// The connection is cut after a message with this text was forwarded.
    cut: Arc<std::sync::Mutex<Option<&'static [u8]>>>,
}

impl Proxy {
    pub async fn before(server: &ServerAddress) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(std::sync::Mutex::new(None));
        let (to, cut_there) = (server.socket().expect("the server for tests has an address of IP"), cut.clone());
        Env::system().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = cut_there.clone();
                Env::system().spawn(forward(client, to.clone(), cut));
            }
        });
        Proxy { port, cut }
    }

    /// Forwards the next message that holds this text, and then cuts the connection, before its answer.
    pub fn cut_answer_to(&self, text: &'static [u8]) {
        *self.cut.lock().unwrap() = Some(text);
    }
}

async fn forward(mut client: TcpStream, to: (String, u16), cut: Arc<std::sync::Mutex<Option<&'static [u8]>>>) {
    let mut server = TcpStream::connect(to).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Some(sent) = read.ok().filter(|count| *count > 0).map(|count| &from_client[..count]) else { return };
                server.write_all(sent).await.unwrap();
                let is_cut = {
                    let mut cut = cut.lock().unwrap();
                    let is_cut = cut.is_some_and(|text| sent.windows(text.len()).any(|part| part == text));
                    if is_cut {
                        *cut = None;
                    }
                    is_cut
                };
                if is_cut {
                    // The server ends by itself what it began: it reads the end of the connection after the message.
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Some(sent) = read.ok().filter(|count| *count > 0).map(|count| &from_server[..count]) else { return };
                if client.write_all(sent).await.is_err() {
                    return;
                }
            }
        }
    }
}
