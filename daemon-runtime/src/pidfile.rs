//! The claim and the pidfile of one daemon.
//!
//! The *claim* is an open-file-description lock on a file of mode 0600 beside the pidfile. It is taken in the launcher,
//! goes along over both forks, and the kernel drops it with the daemon's last breath. The *pidfile* is made afresh at every
//! start, under the claim, and only says `PID\n`. On both, the daemon itself holds a POSIX write lock, the *witness*, and
//! the kernel names its holder to whoever asks: that, and never the number in the file, is what `status` and `stop` go by.
//!
//! The life of a pidfile: claimed (by the launcher), sealed (by the daemon), then released, or abandoned by a crash. Only
//! who holds the claim may rename or remove any of the three names.

mod acquire;
mod claim;
mod handle;
mod holder;
mod look;
mod mine;
#[cfg(test)]
mod model;
mod place;
pub(crate) mod record;
mod strange;
pub(crate) mod text;
mod turn;
mod witness;

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use self::acquire::{Acquired, Patience};
use self::claim::{STARTING, WHOLE, WITNESS};
pub use self::handle::PidFile;
pub(crate) use self::holder::{Holders, user_of};
pub(crate) use self::look::{Life, look, look_at};
pub(crate) use self::place::Place;
pub(crate) use self::turn::Turn;
pub(crate) use self::witness::{Running, Standing};
use crate::error::Error;
use crate::sys::{descriptor, file_size, lock};

/// How long one waits before looking again at a claim that is in between: held by a start, an end, or a child that is left.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// A pidfile whose claim this process, or one it was forked from, has taken.
#[derive(Debug)]
pub(crate) struct Claimed {
    place: Place,
    claim: File,
    /// The new pidfile, still under its other name until it is sealed.
    file: File,
    /// What it tells of itself, if it is one that does.
    record: OnceLock<File>,
    /// Whether its names are gone, so that none is made any more.
    is_released: Mutex<bool>,
}

impl Claimed {
    /// A claim that another image of this program has held: the program was started anew, and the descriptors came along.
    pub(crate) fn handed(path: &Path, folder: OwnedFd, claim: File, file: File, record: Option<File>) -> Self {
        Self::of(Place::of(path, folder), claim, file, record)
    }

    fn of(place: Place, claim: File, file: File, record: Option<File>) -> Self {
        let record = record.map_or_else(OnceLock::new, OnceLock::from);
        Self { place, claim, file, record, is_released: Mutex::new(false) }
    }

    /// Makes the record, for a daemon that has something to tell of itself.
    pub(crate) fn with_record(self) -> Result<Self, Error> {
        match record::make(&self.place) {
            Ok(file) => Ok(Self { record: OnceLock::from(file), ..self }),
            Err(error) => {
                self.release();
                Err(error)
            }
        }
    }

    /// Where the daemon tells of itself.
    pub(crate) fn record(&self) -> Option<&File> {
        self.record.get()
    }

    /// The same, for a daemon that has something to tell only now: the record is made. Nothing where that cannot be: by now its
    /// user may not write to the folder, or it has left that for its root directory.
    pub(crate) fn record_at_last(&self) -> Option<&File> {
        // Not beside the removal of the names, after which one that is made would stay.
        let is_released = self.is_released.lock().unwrap_or_else(PoisonError::into_inner);
        if self.record.get().is_none() && !*is_released && self.place.is_pidfile(&self.file) {
            let made = record::make(&self.place);
            made.ok().and_then(|file| self.record.set(file).ok());
        }
        self.record.get()
    }

    /// After this process has begun another program: takes the witnesses again, which some kernels drop when a process with
    /// threads does that.
    pub(crate) fn witness_anew(&self) -> io::Result<()> {
        own_witness(&self.claim, WITNESS)?;
        own_witness(&self.file, WHOLE)?;
        mine::this_process_holds([&self.claim, &self.file]);
        Ok(())
    }

    /// Folder, claim and pidfile, to be handed on to another image of this program.
    pub(crate) fn parts(&self) -> [BorrowedFd<'_>; 3] {
        [self.place.folder(), self.claim.as_fd(), self.file.as_fd()]
    }

    /// Makes this process the daemon of the pidfile: takes the witnesses, writes the number, and only then gives the file
    /// its name, so that nobody ever sees half of one. `session` is the daemon's own, if it has one.
    pub(crate) fn seal(&self, session: Option<i32>) -> io::Result<()> {
        let note = text::of_claim(std::process::id(), session, self.place.name());
        let number = text::of_pidfile(std::process::id());
        file_size::told_by_error(|| {
            self.claim.write_all_at(&note, 0)?;
            self.file.write_all_at(number.as_bytes(), 0)
        })?;
        // After the note: who is named as the holder is then found to be noted, too.
        own_witness(&self.claim, WITNESS)?;
        own_witness(&self.file, WHOLE)?;
        // The mode is set on the file, so that the umask has no say in it.
        self.file.set_permissions(Permissions::from_mode(0o644))?;
        self.place.publish_draft()?;
        mine::this_process_holds([&self.claim, &self.file]);
        Ok(())
    }

    /// Whether this process vouches for the pidfile, by the kernel's word.
    pub(crate) fn is_vouched_by(&self, pid: i32) -> io::Result<bool> {
        let witness = lock::holder(&self.claim, WITNESS)?;
        Ok(witness == Some(pid) || (witness.is_none() && witness::has_locked(pid, &self.claim)))
    }

    /// Lets go of the folder, for a daemon that is to see nothing outside of its root directory: at its end it can only empty
    /// the pidfile. The descriptor's number stays, and means the new root.
    pub(crate) fn leave_folder(&self) -> io::Result<()> {
        descriptor::replace(self.place.folder(), Path::new("/"))
    }

    /// Ends the time in which other starts wait for this one; for all processes that share the claim.
    pub(crate) fn started(&self) {
        // Should it fail, other starts wait until their time is over: nothing to tell anybody.
        let _ = lock::unlock_description(&self.claim, STARTING);
    }

    /// Removes the names, if they are still this claim's. The lock itself is the kernel's to drop.
    pub(crate) fn release(&self) {
        *self.is_released.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let mine = self.place.is_claim(&self.claim);
        // Without the claim's name the pidfile may still be ours: then our witness on it keeps everybody else off it.
        mine::this_process_lets_go([&self.claim, &self.file]);
        let is_removed = if self.place.is_pidfile(&self.file) {
            // The very file that was sealed, whatever has been written into it since.
            self.place.remove_sealed().is_ok()
        } else {
            mine && self.place.remove_pidfile().is_ok()
        };
        if !is_removed {
            // A folder that we may not write or even look into any more: an empty pidfile names nobody. What has no name
            // any more loses nothing by it.
            let _ = self.file.set_len(0);
        }
        match self.record.get() {
            Some(record) => self.drop_record(record),
            // Under the claim: perhaps this is the launcher of a daemon that has made one.
            None if mine => self.place.remove_stale_record(),
            None => {}
        }
        if mine {
            self.place.remove_draft();
            // Last, and only now: from here on the next start makes a claim of its own.
            self.place.remove_claim();
        }
    }

    /// Takes away what it told of itself. Where its name must stay, the words stay, too: who waits for them may not have read
    /// them yet, and they are believed of nobody but this daemon.
    fn drop_record(&self, record: &File) {
        if self.place.is_record(record) {
            let _ = self.place.remove_record();
        }
    }

    /// Whether another process is the daemon by this claim: one that was forked from this, or that this was forked from.
    fn is_anothers(&self) -> bool {
        // One's own lock is never in one's own way, so this only ever names others.
        lock::holder(&self.claim, WITNESS).unwrap_or_default().is_some()
    }

    /// The descriptors that must outlive the closing of all others.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = i32> {
        use std::os::fd::AsRawFd;
        let always = [self.claim.as_raw_fd(), self.file.as_raw_fd(), self.place.folder_fd()];
        always.into_iter().chain(self.record.get().map(AsRawFd::as_raw_fd))
    }
}

/// Takes the turn to ask the daemon to stop.
pub(crate) fn take_turn(place: &Place) -> Turn {
    if mine::is_mine(place) { Turn::Ours { _kept: None } } else { turn::take(place) }
}

/// Clears away what a daemon that did not end in order left behind. It takes the claim for that, so whoever else has it
/// meanwhile is not disturbed, and what is not a pidfile of ours stays. What cannot be cleared, the next start tells.
pub(crate) fn clear(place: &Place) {
    if place.is_clear() || place.check_pidfile().is_err() {
        return;
    }
    // Kept to the end of this function: what is removed is removed under the claim.
    let Ok(Some(_claim)) = claim::try_take(place) else { return };
    if matches!(look::of_pidfile(place), Ok(None)) {
        let _ = place.remove_pidfile();
        place.remove_draft();
    }
    place.remove_stale_record();
    place.remove_claim();
}

/// Waits until nobody of a daemon that has ended holds its claim any more: a child that stands between fork and exec holds
/// it a moment longer.
pub(crate) fn wait_until_free(place: &Place, timeout: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < timeout && claim::lingers(place) {
        std::thread::sleep(PAUSE);
    }
}

fn own_witness(file: &File, range: lock::Range) -> io::Result<()> {
    if lock::try_lock_process(file, range)? {
        return Ok(());
    }
    // Nobody else can have opened the file for writing, so this is a file system on which locks do not work.
    Err(io::Error::other("the file system does not keep locks apart"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const AT_ONCE: Patience = Patience { in_between: Duration::ZERO, running: Duration::ZERO };

    struct Home(PathBuf);

    impl Home {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pidfile-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }
        fn pidfile(&self) -> PathBuf {
            self.0.join("x.pid")
        }
        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).expect("a folder");
            let mut names: Vec<_> =
                entries.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect();
            names.sort();
            names
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn mine(path: &Path) -> Claimed {
        match Claimed::acquire(path, AT_ONCE, None, &mut || Ok(())).expect("acquired") {
            Acquired::Mine(pidfile) => pidfile,
            Acquired::Running(daemon) => panic!("{daemon:?}"),
        }
    }

    #[test]
    fn a_daemon_knows_itself_also_where_its_claim_has_lost_its_name() {
        let home = Home::new("nameless");
        let pidfile = mine(&home.pidfile());
        pidfile.seal(None).expect("sealed");
        pidfile.place.remove_claim();
        let is_me = |daemon: &Running| daemon.pid.unsigned_abs() == std::process::id();
        assert!(matches!(look(&home.pidfile(), None), Ok(Life::Running(daemon)) if is_me(&daemon)));
        let again = Claimed::acquire(&home.pidfile(), AT_ONCE, None, &mut || Ok(()));
        assert!(matches!(again, Ok(Acquired::Running(daemon)) if is_me(&daemon)));
        pidfile.release();
        assert_eq!(home.names(), Vec::<String>::new());
    }

    #[test]
    fn a_sealed_pidfile_holds_the_number_and_nothing_else() {
        let home = Home::new("sealed");
        let pidfile = mine(&home.pidfile());
        pidfile.seal(None).expect("sealed");
        let text = std::fs::read_to_string(home.pidfile()).expect("read");
        assert_eq!(text, format!("{}\n", std::process::id()));
        let mode = home.pidfile().metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
        pidfile.release();
    }

    #[test]
    fn a_release_leaves_nothing_behind() {
        let home = Home::new("released");
        let pidfile = mine(&home.pidfile());
        assert_eq!(home.names(), ["x.pid.claim", "x.pid.new"]);
        pidfile.release();
        assert_eq!(home.names(), Vec::<String>::new());
    }

    #[test]
    fn a_held_claim_is_not_given_away() {
        let home = Home::new("held");
        let pidfile = mine(&home.pidfile());
        let second = Claimed::acquire(&home.pidfile(), AT_ONCE, None, &mut || Ok(()));
        assert!(matches!(second, Err(Error::ClaimHeld { .. })), "{second:?}");
        drop(pidfile);
        mine(&home.pidfile()).release();
    }

    #[test]
    fn what_belongs_to_a_later_claim_is_not_touched() {
        let home = Home::new("later");
        let first = mine(&home.pidfile());
        first.place.remove_claim();
        let second = mine(&home.pidfile());
        first.release();
        assert_eq!(home.names(), ["x.pid.claim", "x.pid.new"]);
        second.release();
    }

    #[test]
    fn what_is_no_pidfile_is_not_replaced() {
        let home = Home::new("foreign");
        let refused =
            || Claimed::acquire(&home.pidfile(), AT_ONCE, None, &mut || Ok(())).expect_err("refused").to_string();
        std::fs::create_dir(home.pidfile()).expect("a folder");
        assert!(refused().contains("is a directory"));
        std::fs::remove_dir(home.pidfile()).expect("removed");
        std::os::unix::fs::symlink("/etc/passwd", home.pidfile()).expect("a link");
        assert!(refused().contains("is a symbolic link"));
        std::fs::remove_file(home.pidfile()).expect("removed");
        std::fs::write(home.pidfile(), "x".repeat(1000)).expect("written");
        assert!(refused().contains("1000 bytes"));
        assert_eq!(home.names(), ["x.pid"]);
    }

    #[test]
    fn whatever_a_daemon_wrote_into_its_pidfile_the_next_start_replaces_it() {
        let home = Home::new("overfull");
        std::fs::write(home.pidfile(), "x".repeat(1000)).expect("written");
        std::fs::write(home.0.join("x.pid.claim"), "").expect("written");
        let pidfile = mine(&home.pidfile());
        pidfile.seal(None).expect("sealed");
        assert_eq!(
            std::fs::read_to_string(home.pidfile()).expect("read").len(),
            std::process::id().to_string().len() + 1
        );
        pidfile.release();
        assert_eq!(home.names(), Vec::<String>::new());
    }

    #[test]
    fn what_a_crash_left_is_cleared_away() {
        let home = Home::new("crash");
        for name in ["x.pid", "x.pid.claim", "x.pid.new"] {
            std::fs::write(home.0.join(name), "4194304\n").expect("written");
        }
        clear(&Place::find(&home.pidfile()).expect("found").expect("there"));
        assert_eq!(home.names(), Vec::<String>::new());
    }
}
