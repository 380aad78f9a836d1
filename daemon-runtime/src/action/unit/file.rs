//! Units as files: written fresh, and over nothing that is there unless it is asked for.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{UnitFile, UnitOptions};
use crate::error::Error;

/// Writes all of them, or none if one of them is there already.
pub(super) fn write(folder: &Path, files: &[UnitFile], options: &UnitOptions) -> Result<(), Error> {
    let told = |path: PathBuf| move |source| Error::Output { path, source };
    if !options.force {
        for path in files.iter().map(|file| folder.join(&file.name)) {
            if path.symlink_metadata().is_ok() {
                return Err(told(path)(io::ErrorKind::AlreadyExists.into()));
            }
        }
    }
    for file in files {
        let path = folder.join(&file.name);
        let written = if options.force { replace(folder, &path, &file.text) } else { create(&path, &file.text) };
        written.map_err(told(path))?;
    }
    Ok(())
}

/// What could not be written whole is removed again.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}

/// In one step, so that nobody reads half of one.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let new = folder.join(format!(".{}.new", std::process::id()));
    create(&new, text)?;
    fs::rename(&new, path).inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of the test's own.
    fn with_folder(name: &str, test: impl FnOnce(&Path)) {
        let folder = std::env::temp_dir().join(format!("unit-files-{}-{name}", std::process::id()));
        fs::create_dir(&folder).expect("made");
        test(&folder);
        fs::remove_dir_all(&folder).expect("removed");
    }

    fn files() -> Vec<UnitFile> {
        ["x.service", "x.timer"].map(|name| UnitFile { name: name.to_owned(), text: format!("# {name}\n") }).into()
    }

    #[test]
    fn nothing_is_written_where_one_of_them_is_there_already_unless_it_is_to_be_replaced() {
        with_folder("there", |folder| {
            fs::write(folder.join("x.timer"), "mine").expect("written");
            let refused = write(folder, &files(), &UnitOptions::default()).expect_err("it is there");
            assert!(refused.to_string().ends_with("x.timer is there already; `--force` replaces it"), "{refused}");
            assert!(!folder.join("x.service").exists());
            write(folder, &files(), &UnitOptions { force: true, ..UnitOptions::default() }).expect("replaced");
            assert_eq!(fs::read_to_string(folder.join("x.timer")).ok().as_deref(), Some("# x.timer\n"));
            assert_eq!(fs::read_dir(folder).map(Iterator::count).ok(), Some(2));
        });
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_the_files_path() {
        with_folder("gone", |folder| {
            let refused = write(&folder.join("nowhere"), &files(), &UnitOptions::default()).expect_err("no folder");
            let told =
                format!("cannot write {}: No such file or directory", folder.join("nowhere/x.service").display());
            assert_eq!(refused.to_string(), told);
        });
    }
}
