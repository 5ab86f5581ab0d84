//! Mails as files that a person can open: `mailbox/` in the data directory, one `.eml` file a mail. It stands in where there
//! is no mail server, and promises less than the databases do: a power cut may take the mails of the last seconds although
//! they count as sent. Waiting for the disk costs up to a millisecond a mail, and as much of the time in which the same disk
//! could take commits: at several mails an order that is the platform's throughput.

use crate::domain::{DeliveryError, OutgoingMessage};
use platform::{env::Env, pool::Pool};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of mails, and the thread that writes them.
pub struct Folder {
    path: PathBuf,
    thread: Pool,
}

impl Folder {
    /// `waiting` mails may wait for the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(env: &Env, path: PathBuf, waiting: usize) -> io::Result<Folder> {
        Ok(Folder { path, thread: Pool::start(env, "mailbox", 1, waiting)? })
    }

    /// Writes a mail under `name`; whoever looks into the folder sees all of it or nothing.
    pub async fn write(&self, name: String, mail: Vec<u8>) -> Result<PathBuf, DeliveryError> {
        let folder = self.path.clone();
        let written = self.thread.run(move || write(&folder, &name, &mail)).await;
        let unwritten = |error: String| DeliveryError::temporary(format!("the mailbox cannot be written: {error}"));
        written.map_err(|error| unwritten(error.to_string()))?.map_err(|error| unwritten(error.to_string()))
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

/// A folder that only its owner can look into: mails hold names, addresses, and links to set a password.
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// When the message was made, what it is about and to whom, in an order that sorts by time. The same message has the
/// same name in every attempt, so one that is written again after a crash is there once.
pub fn file_name(outgoing: &OutgoingMessage, to: &str) -> String {
    let time: String = outgoing.created_at.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let to: String = to.chars().map(|c| if c.is_alphanumeric() || "@.+-_".contains(c) { c } else { '_' }).take(60).collect();
    let id = outgoing.notification_id.0.simple().to_string();
    let again = if outgoing.resends == 0 { String::new() } else { format!("-again{}", outgoing.resends) };
    format!("{time}-{}-{to}-{}{again}.eml", outgoing.kind, &id[id.len() - 8..])
}
