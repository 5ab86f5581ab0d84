//! A folder of mails, for installations without a mail server: one `.eml` file for each mail, which people can open.
//!
//! Files are not synced to the disk, so a power failure may lose the mails of the last seconds although they count as sent.
//! A sync takes up to a millisecond, and the disk commits no orders meanwhile.

use super::{ComposedMail, MailTransport};
use crate::{
    channels::Delivery,
    domain::{DeliveryError, OutgoingMessage},
};
use platform::{env::Env, pool::Pool};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder, and the thread that writes to it.
pub struct Folder {
    path: PathBuf,
    thread: Pool,
}

impl Folder {
    /// At most `waiting` mails wait for the thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn open(env: &Env, path: PathBuf, waiting: usize) -> io::Result<Folder> {
        Ok(Folder { path, thread: Pool::start(env, "mailbox", 1, waiting)? })
    }

    /// Writes a mail under `name`. Readers of the folder see the whole file or none.
    async fn write(&self, name: String, mail: Vec<u8>) -> Result<PathBuf, DeliveryError> {
        let folder = self.path.clone();
        let written = self.thread.run(move || write(&folder, &name, &mail)).await;
        let unwritten = |error: String| DeliveryError::temporary(format!("the mailbox cannot be written: {error}"));
        written.map_err(|error| unwritten(error.to_string()))?.map_err(|error| unwritten(error.to_string()))
    }
}

impl MailTransport for Folder {
    fn send<'a>(&'a self, mail: &'a ComposedMail) -> Delivery<'a> {
        Box::pin(async move {
            let path = self.write(mail.file_name.clone(), mail.message.formatted()).await?;
            tracing::info!(target: "notification", path = %path.display(), correlation_id = mail.correlation_id, "mail written");
            Ok(())
        })
    }
}

fn write(folder: &Path, name: &str, mail: &[u8]) -> io::Result<PathBuf> {
    let (hidden, path) = (folder.join(format!(".{name}.part")), folder.join(name));
    match fs::write(&hidden, mail) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_private(folder)?;
            fs::write(&hidden, mail)?;
        }
        outcome => outcome?,
    }
    fs::rename(&hidden, &path)?;
    Ok(path)
}

/// Creates a folder that only its owner can read: mails have names, addresses, and links to set a password.
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Returns the file name of a message: its time, type, recipient and id. It is the same in every attempt, so that a mail that is
/// written again after a crash exists once.
pub fn file_name(outgoing: &OutgoingMessage, to: &str) -> String {
    let time: String = outgoing.created_at.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let to: String = to.chars().map(|c| if c.is_alphanumeric() || "@.+-_".contains(c) { c } else { '_' }).take(60).collect();
    let id = outgoing.notification_id.0.simple().to_string();
    let again = if outgoing.resends == 0 { String::new() } else { format!("-again{}", outgoing.resends) };
    format!("{time}-{}-{to}-{}{again}.eml", outgoing.kind, &id[id.len() - 8..])
}
