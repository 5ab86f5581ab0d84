//! A folder of mails, for installations without a mail server: one `.eml` file for each mail, which people can open.
//!
//! Files are not synced to the disk, so a power failure may lose the mails of the last seconds although they count as sent.
//! A sync takes up to a millisecond, and the disk commits no orders meanwhile.

use super::{ComposedMail, MailTransport};
use crate::{
    channels::Delivery,
    domain::{DeliveryError, OutgoingMessage},
};
use contracts::ids::NotificationId;
use platform::{env::Env, pool::Pool};
use std::{
    collections::HashSet,
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
            // The name of the file has the address, which is in no log.
            let folder = path.parent().unwrap_or(&path).display();
            tracing::info!(
                target: "notification", %folder, notification_id = %mail.notification_id, correlation_id = mail.correlation_id, "mail written"
            );
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

/// Deletes the files of these mails, finished or not. Without a folder there are none.
pub fn delete(folder: &Path, mails: &[NotificationId]) -> io::Result<()> {
    let ends: HashSet<String> = mails.iter().map(|id| end_of_id(*id)).collect();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".part").trim_end_matches(".eml");
        // The name of a mail that was sent again has a number behind the id.
        let id = stem.rsplit('-').find(|part| !part.starts_with("again")).unwrap_or_default();
        if ends.contains(id) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The part of an id that is in the name of a file.
fn end_of_id(id: NotificationId) -> String {
    let id = id.0.simple().to_string();
    id[id.len() - 8..].to_owned()
}

/// Returns the file name of a message: its time, type, recipient and id. It is the same in every attempt, so that a mail that is
/// written again after a crash exists once.
pub fn file_name(outgoing: &OutgoingMessage, to: &str) -> String {
    let time: String = outgoing.created_at.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let to: String = to.chars().map(|c| if c.is_alphanumeric() || "@.+-_".contains(c) { c } else { '_' }).take(60).collect();
    let id = end_of_id(outgoing.notification_id);
    let again = if outgoing.resends == 0 { String::new() } else { format!("-again{}", outgoing.resends) };
    format!("{time}-{}-{to}-{id}{again}.eml", outgoing.kind)
}
