//! Files that are written completely or not at all, even when the power fails.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Writes or replaces the file at `path`, readable by its owner alone. It is on stable storage when this returns. The caller
/// excludes other writers.
///
/// # Errors
/// When the folder cannot be written; an older file is unchanged then.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file has a name"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".part");
    let hidden = folder.join(hidden);
    // A part that a crash left may be readable by others.
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&hidden)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&hidden, path)?;
    // The name is stored in the folder.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempFolder;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_completely_even_after_a_crash() {
        let folder = TempFolder::new();
        let path = folder.path().join("mark.json");
        fs::write(folder.path().join(".mark.json.part"), "ha").unwrap();
        for text in ["first", "second"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(write(&folder.path().join("nowhere/mark.json"), b"").is_err());
    }
}
