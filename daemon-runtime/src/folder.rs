//! Folders for pidfile and logs: reached through no link of another user's, and made where they are missing, for the user
//! who is to write there.
//!
//! A path is gone through from the root directory, one folder after the other, each by the descriptor of the one above it:
//! what stands in a folder of another user's may mean something else from one moment to the next, an open folder does not.
//! Where there is no link on the way, openat2(2) does the same in one call.

mod spot;

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use crate::sys::again::again;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::libc;
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::geteuid;

pub(crate) use self::spot::Spot;

/// The user and the group that what we make belongs to; none means whoever makes it.
pub(crate) type Owner = Option<(u32, u32)>;

/// Device and inode: what a file is, whatever its name.
pub(crate) type Identity = (u64, u64);

pub(crate) fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino())
}

/// As many links as the kernel follows on one way.
const MOST_LINKS: u32 = 40;

/// What is there, for a look at it: neither read nor waited for, and handed to no child.
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// A folder, and no link to one. It need not be readable, and what is mounted only when it is asked for is mounted.
const FOLDER: OFlag = LOOK.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW);

/// The folder as it is.
pub(crate) fn find(folder: &Path) -> io::Result<OwnedFd> {
    Ok(Way::finding(folder)?.at)
}

/// The folder, made with mode 0755 less the umask if it is not there, and those above it too. What is there already stays as
/// it is.
pub(crate) fn make(folder: &Path, owner: Owner) -> io::Result<OwnedFd> {
    Ok(Way::making(folder, owner)?.at)
}

/// Gives what we have just made to its owner.
pub(crate) fn give(file: &File, owner: Owner) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => fchown(file, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// What becomes of a folder that is not there.
#[derive(Debug, Clone, Copy)]
enum Missing {
    Told,
    Made,
}

/// How one came into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Found,
    Made,
}

/// Where one has come to on the way through a path.
#[derive(Debug)]
struct Way {
    at: OwnedFd,
    /// The same in words, for errors.
    path: PathBuf,
    links: u32,
    /// Who must be able to come through what is made.
    owner: Owner,
}

impl Way {
    fn begin() -> io::Result<Self> {
        Ok(Self { at: root()?, path: PathBuf::from("/"), links: 0, owner: None })
    }

    /// By one call, where no link is on the way: the kernel then goes from one open folder to the next as we do. Nothing
    /// where there is one, or anything else is amiss, or the kernel is older than 5.6.
    fn straight(folder: &Path) -> Option<Self> {
        if !folder.is_absolute() {
            return None;
        }
        let how = OpenHow::new().flags(FOLDER).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        let at = again(|| openat2(AT_FDCWD, folder, how)).ok()?;
        let mut way = Self { at, path: PathBuf::from("/"), links: 0, owner: None };
        parts(folder).for_each(|part| way.note(part));
        Some(way)
    }

    fn finding(folder: &Path) -> io::Result<Self> {
        if let Some(way) = Self::straight(folder) {
            return Ok(way);
        }
        let mut way = Self::begin()?;
        way.go(folder, Missing::Told)?;
        Ok(way)
    }

    fn making(folder: &Path, owner: Owner) -> io::Result<Self> {
        if let Some(way) = Self::straight(folder) {
            return Ok(Self { owner, ..way });
        }
        let mut way = Self { owner, ..Self::begin()? };
        // Only the last one is for the owner. In one of his own he could put a link in the place of what lies below it.
        if way.go(folder, Missing::Made)? == Step::Made && owner.is_some() {
            way.give(owner)?;
        }
        Ok(way)
    }

    /// Goes on, from the root directory if the path begins there.
    fn go(&mut self, path: &Path, missing: Missing) -> io::Result<Step> {
        if path.is_absolute() {
            self.at = root()?;
            self.path = PathBuf::from("/");
        }
        let mut last = Step::Found;
        for part in parts(path) {
            if last == Step::Made {
                self.let_through()?;
            }
            last = self.step(part, missing)?;
        }
        Ok(last)
    }

    fn step(&mut self, name: &OsStr, missing: Missing) -> io::Result<Step> {
        match (again(|| openat(&self.at, name, FOLDER, Mode::empty())), missing) {
            (Ok(folder), _) => self.enter(name, folder),
            (Err(Errno::ENOTDIR), _) => return self.follow(name),
            (Err(Errno::ENOENT), Missing::Made) => return self.make(name),
            (Err(e), _) => return Err(e.into()),
        }
        Ok(Step::Found)
    }

    fn enter(&mut self, name: &OsStr, folder: OwnedFd) {
        self.at = folder;
        self.note(name);
    }

    /// Writes down where one is.
    fn note(&mut self, name: &OsStr) {
        if name == ".." {
            self.path.pop();
        } else {
            self.path.push(name);
        }
    }

    fn make(&mut self, name: &OsStr) -> io::Result<Step> {
        match mkdirat(&self.at, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) => {
                let folder = again(|| openat(&self.at, name, FOLDER, Mode::empty()))?;
                self.enter(name, folder);
                Ok(Step::Made)
            }
            // Another start made it meanwhile, and gives it to its owner.
            Err(Errno::EEXIST) => self.step(name, Missing::Told),
            Err(e) => Err(e.into()),
        }
    }

    /// Lets others through the folder that we have just made, whatever the umask is: below it there will be one of theirs.
    fn let_through(&self) -> io::Result<()> {
        if self.owner.is_none() {
            return Ok(());
        }
        let Some(folder) = self.made()? else { return Ok(()) };
        let mode = folder.metadata()?.permissions().mode();
        folder.set_permissions(Permissions::from_mode(mode | 0o111))
    }

    /// Gives the folder that we have just made, and have come to, to its owner.
    fn give(&self, owner: Owner) -> io::Result<()> {
        match self.made()? {
            Some(folder) => give(&folder, owner),
            None => Ok(()),
        }
    }

    /// The folder that we have just made, and have come to, open to be changed; nothing if something is in it already. Where
    /// another user may rename what is there, he may have put a folder of root's in its place, of which nothing must become
    /// his; else it was another start, which has made what it needs.
    fn made(&self) -> io::Result<Option<File>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = File::from(again(|| openat(&self.at, ".", flags, Mode::empty()))?);
        // In a folder that others may write to, one of theirs may have taken its place before we had it open.
        if folder.metadata()?.uid() != geteuid().as_raw() {
            return Err(refused(format!("{} was replaced by another user", self.path.display())));
        }
        let mut entries = Dir::from_fd(folder.try_clone()?.into())?;
        let is_empty = entries.iter().flatten().all(|entry| [c".", c".."].contains(&entry.file_name()));
        Ok(is_empty.then_some(folder))
    }

    /// Goes where a link leads. What it leads to is never made: it may be on a disk that is not there now.
    fn follow(&mut self, name: &OsStr) -> io::Result<Step> {
        if is_proc(&self.at) {
            let folder = again(|| openat(&self.at, name, LOOK | OFlag::O_DIRECTORY, Mode::empty()))?;
            self.enter(name, folder);
            return Ok(Step::Found);
        }
        let target = self.target(name)?;
        self.go(&target, Missing::Told)
    }

    /// What a link says that root or we ourselves have made: it is a setting of this machine. Another's would lead us to a
    /// place of his choice.
    fn target(&mut self, name: &OsStr) -> io::Result<PathBuf> {
        let link = again(|| openat(&self.at, name, LOOK | OFlag::O_NOFOLLOW, Mode::empty()))?;
        let stat = fstat(&link)?;
        if stat.st_mode & libc::S_IFMT != libc::S_IFLNK {
            return Err(Errno::ENOTDIR.into());
        }
        if !is_trusted(stat.st_uid) {
            let path = self.path.join(name);
            let text = format!("{} is a symbolic link of another user's (uid {})", path.display(), stat.st_uid);
            return Err(refused(text));
        }
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::ELOOP.into());
        }
        // By its descriptor: the very link that was looked at.
        Ok(readlinkat(&link, "")?.into())
    }
}

/// The names that lead through a path, one after the other.
fn parts(path: &Path) -> impl Iterator<Item = &OsStr> {
    let is_part = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().filter(is_part).map(Component::as_os_str)
}

fn root() -> io::Result<OwnedFd> {
    Ok(again(|| open("/", FOLDER, Mode::empty()))?)
}

// Whom the root directory belongs to is root, also where a user namespace has no number for him.
fn is_trusted(uid: u32) -> bool {
    let root = || Path::new("/").metadata().is_ok_and(|root| root.uid() == uid);
    uid == 0 || uid == geteuid().as_raw() || root()
}

// Its links are the kernel's, so nobody has planted them, and some say a pipe or a file without a name: only the kernel can
// follow those.
fn is_proc(folder: impl AsFd) -> bool {
    again(|| fstatfs(&folder)).is_ok_and(|system| system.filesystem_type() == PROC_SUPER_MAGIC)
}

fn refused(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    const NOBODY: u32 = 65534;

    struct Home(PathBuf);

    impl Home {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("folder-{test}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path.canonicalize().expect("it is there"))
        }
        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
        fn folder(&self, name: &str) -> PathBuf {
            fs::create_dir_all(self.path(name)).expect("a folder");
            self.path(name)
        }
        fn link(&self, name: &str, target: impl AsRef<Path>) {
            symlink(target, self.path(name)).expect("a link");
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn is_root(test: &str) -> bool {
        let root = geteuid().is_root();
        if !root {
            let _ = writeln!(io::stderr(), "skipped: {test} needs root");
        }
        root
    }

    #[track_caller]
    fn assert_same(folder: &OwnedFd, path: &Path) {
        let (open, named) = (fstat(folder).expect("open"), path.metadata().expect("there"));
        assert_eq!((open.st_dev, open.st_ino), (named.dev(), named.ino()));
    }

    #[track_caller]
    fn assert_error<T: std::fmt::Debug>(result: io::Result<T>, errno: Errno) {
        assert_eq!(result.expect_err("refused").raw_os_error(), Some(errno as i32));
    }

    #[test]
    fn a_path_leads_where_the_kernel_would_go() {
        let home = Home::new("kernel");
        let deep = home.folder("a/b/c");
        home.link("absolute", home.path("a/b"));
        home.link("a/relative", "../a/./b");
        home.link("chain", "a/relative/c");
        for name in ["a/b/c", "a//b/./c/", "a/b/../b/c", "absolute/c", "a/relative/c", "chain", "chain/../c"] {
            assert_same(&find(&home.path(name)).expect(name), &deep);
            assert_same(&make(&home.path(name), None).expect(name), &deep);
        }
        assert_same(&find(Path::new("/../..")).expect("the root directory"), Path::new("/"));
        assert_same(&find(Path::new("/proc/self/cwd")).expect("the kernel's link"), Path::new("."));
    }

    #[test]
    fn what_is_missing_or_no_folder_is_told_as_the_kernel_tells_it() {
        let home = Home::new("missing");
        fs::write(home.path("file"), "").expect("written");
        home.link("nowhere", "missing");
        home.link("circle", "circle");
        for name in ["missing", "missing/below", "nowhere"] {
            assert_error(find(&home.path(name)), Errno::ENOENT);
        }
        assert_error(find(&home.path("file")), Errno::ENOTDIR);
        assert_error(make(&home.path("file/below"), None), Errno::ENOTDIR);
        assert_error(find(&home.path("circle")), Errno::ELOOP);
        assert_error(make(&home.path("nowhere/below"), None), Errno::ENOENT);
        assert!(!home.path("missing").exists(), "what a link leads to is not made");
    }

    #[test]
    fn a_folder_that_may_only_be_searched_is_found() {
        let home = Home::new("search");
        let below = home.folder("closed/below");
        let mode = |mode| fs::set_permissions(home.path("closed"), Permissions::from_mode(mode)).expect("ours");
        mode(0o111);
        let found = [find(&home.path("closed")), find(&below)];
        mode(0o755);
        assert_same(found[0].as_ref().expect("found"), &home.path("closed"));
        assert_same(found[1].as_ref().expect("found"), &below);
    }

    #[test]
    fn of_the_folders_that_are_made_only_the_last_is_given_away() {
        if !is_root("of_the_folders_that_are_made_only_the_last_is_given_away") {
            return;
        }
        let home = Home::new("given");
        home.folder("there");
        make(&home.path("there/above/last"), Some((NOBODY, NOBODY))).expect("made");
        make(&home.path("there"), Some((NOBODY, NOBODY))).expect("it is there");
        let owner = |name| home.path(name).metadata().map(|it| (it.uid(), it.gid())).expect("there");
        assert_eq!(["there", "there/above"].map(owner), [(0, 0); 2]);
        assert_eq!(owner("there/above/last"), (NOBODY, NOBODY));
    }

    #[test]
    fn a_folder_that_was_put_in_the_place_of_the_one_just_made_stays_as_it_is() {
        if !is_root("a_folder_that_was_put_in_the_place_of_the_one_just_made_stays_as_it_is") {
            return;
        }
        let home = Home::new("swapped");
        home.folder("roots/own");
        fs::set_permissions(home.path("roots"), Permissions::from_mode(0o700)).expect("ours");
        let mut way = Way { owner: Some((NOBODY, NOBODY)), ..Way::begin().expect("the root directory") };
        way.go(&home.path("roots"), Missing::Told).expect("it is there");
        way.let_through().expect("left alone");
        way.give(way.owner).expect("left alone");
        let roots = home.path("roots").metadata().expect("there");
        assert_eq!((roots.uid(), roots.permissions().mode() & 0o7777), (0, 0o700));
    }

    #[test]
    fn a_link_of_another_users_is_refused_by_its_name_wherever_it_stands() {
        if !is_root("a_link_of_another_users_is_refused_by_its_name_wherever_it_stands") {
            return;
        }
        let home = Home::new("planted");
        home.folder("elsewhere/below");
        home.link("planted", "elsewhere");
        home.link("ours", "elsewhere/../planted");
        lchown(home.path("planted"), Some(NOBODY), Some(NOBODY)).expect("root may");
        let text = format!("{} is a symbolic link of another user's (uid {NOBODY})", home.path("planted").display());
        for name in ["planted", "planted/below", "planted/new", "ours", "ours/below", "elsewhere/../planted"] {
            for error in [find(&home.path(name)), make(&home.path(name), None)].map(|found| found.expect_err(name)) {
                assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidInput, text.clone()), "{name}");
            }
        }
        assert!(!home.path("elsewhere/new").exists());
    }
}
