//! Units as files: written fresh, and over nothing that is there unless it is asked for.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{UnitFile, UnitOptions};
use crate::error::Error;
use crate::sys::file_size::told_by_error;

/// Writes all of them, or none: where one cannot be written, what was written of the others is taken away again.
pub(super) fn write(folder: &Path, files: &[UnitFile], options: &UnitOptions) -> Result<(), Error> {
    for path in files.iter().map(|file| folder.join(&file.name)) {
        if let Err(source) = may_be_written(folder, &path, options) {
            return Err(Error::Output { path, source });
        }
    }
    let mut written = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let path = folder.join(&file.name);
        // What replaces another is written beside it, so that nobody reads half of one.
        let fresh = if options.force { beside(folder, number) } else { path.clone() };
        if let Err(error) = create(&fresh, &file.text) {
            remove(&written);
            return Err(told(options, path, fresh, error));
        }
        written.push(fresh);
    }
    for (number, file) in files.iter().enumerate().filter(|_| options.force) {
        let path = folder.join(&file.name);
        if let Err(source) = fs::rename(beside(folder, number), &path) {
            remove(written.get(number..).unwrap_or_default());
            return Err(Error::Output { path, source });
        }
    }
    Ok(())
}

fn beside(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!(".{}.{number}.new", std::process::id()))
}

fn remove(written: &[PathBuf]) {
    for path in written {
        drop(fs::remove_file(path));
    }
}

/// What would keep it from being put in its place.
fn may_be_written(folder: &Path, path: &Path, options: &UnitOptions) -> io::Result<()> {
    if matches!(folder.metadata(), Err(e) if e.kind() == ErrorKind::NotFound) {
        return Err(io::Error::other(format!("there is no folder {}; make it first", folder.display())));
    }
    match path.symlink_metadata() {
        Ok(there) if options.force && there.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) if !options.force => Err(ErrorKind::AlreadyExists.into()),
        _ => Ok(()),
    }
}

/// `--force` replaces no file that stands where the new one is written first.
fn told(options: &UnitOptions, path: PathBuf, fresh: PathBuf, source: io::Error) -> Error {
    if options.force && source.kind() == ErrorKind::AlreadyExists {
        let left = io::Error::other("it is there already, as one left it that was killed; remove it");
        return Error::Output { path: fresh, source: left };
    }
    Error::Output { path, source }
}

/// What could not be written whole is removed again.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    told_by_error(|| file.write_all(text.as_bytes())).inspect_err(|_| drop(fs::remove_file(path)))
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
    fn a_folder_that_is_not_there_is_named_and_is_to_be_made() {
        with_folder("gone", |folder| {
            let nowhere = folder.join("nowhere");
            let refused = write(&nowhere, &files(), &UnitOptions::default()).expect_err("no folder");
            let path = nowhere.display();
            let told = format!("cannot write {path}/x.service: there is no folder {path}; make it first");
            assert_eq!(refused.to_string(), told);
        });
    }

    #[test]
    fn where_one_cannot_be_written_there_is_none_of_them() {
        with_folder("half", |folder| {
            let long = UnitFile { name: "x".repeat(300), text: String::new() };
            let files: Vec<_> = files().into_iter().chain([long]).collect();
            write(folder, &files, &UnitOptions::default()).expect_err("the name is too long");
            assert_eq!(fs::read_dir(folder).map(Iterator::count).ok(), Some(0));
        });
    }

    #[test]
    fn what_is_no_file_is_not_replaced_and_neither_are_the_others() {
        with_folder("folder", |folder| {
            fs::create_dir(folder.join("x.timer")).expect("made");
            fs::write(folder.join("x.service"), "mine").expect("written");
            let refused = write(folder, &files(), &UnitOptions { force: true, ..UnitOptions::default() });
            let refused = refused.expect_err("a folder is there").to_string();
            assert!(refused.starts_with("cannot write ") && refused.contains("x.timer: "), "{refused}");
            assert_eq!(fs::read_to_string(folder.join("x.service")).ok().as_deref(), Some("mine"));
            assert_eq!(fs::read_dir(folder).map(Iterator::count).ok(), Some(2));
        });
    }

    #[test]
    fn what_a_killed_one_has_left_beside_it_is_named() {
        with_folder("stale", |folder| {
            let stale = beside(folder, 1);
            fs::write(&stale, "").expect("written");
            let refused = write(folder, &files(), &UnitOptions { force: true, ..UnitOptions::default() });
            let told = format!(
                "cannot write {}: it is there already, as one left it that was killed; remove it",
                stale.display()
            );
            assert_eq!(refused.expect_err("it is in the way").to_string(), told);
            assert_eq!(fs::read_dir(folder).map(Iterator::count).ok(), Some(1));
        });
    }
}
