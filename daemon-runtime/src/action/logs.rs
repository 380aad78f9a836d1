//! `logs`: the last lines of what the daemon has written, and then what it goes on to write.

mod back;
mod file;
mod follow;
mod journal;
mod showing;
#[cfg(feature = "since")]
pub(crate) mod since;
mod sources;
#[cfg(feature = "since")]
mod stamp;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
#[cfg(feature = "since")]
use std::time::SystemTime;

use self::back::Backward;
use self::file::Log;
use self::follow::Trail;
use self::journal::Journal;
pub(crate) use self::showing::{Audience, Remark};
use self::showing::{Kept, Showing};
use self::sources::Sources;
use crate::error::Error;
use crate::spec::Spec;

/// What to show of the daemon's logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogsOptions {
    /// Which lines of each log; the default is the last ten, and with `since` all from then on.
    pub lines: Option<Lines>,
    /// Go on with what is written from now on, until the process is ended or nobody reads what it prints: over the rotation of
    /// the logs, and over the end of the daemon and its next start. A log that is not there yet is waited for.
    pub follow: bool,
    /// Only what was written then or later, with the feature `since`, which is on by default.
    ///
    /// The lines themselves must tell: by a time at their beginning as RFC 3339 or `YYYY-MM-DD HH:MM:SS` have it, perhaps after a
    /// priority (`<6>`), colours or an opening bracket. One without an offset from UTC, and without a zone in brackets, is local time, of the zone that the process
    /// shows the logs in. A line without a time belongs to the one before it. What is shown is what follows the last line that is
    /// older; so a log that was last written before needs none. A time that is still to come leaves out, with `follow`, what is
    /// older and written until then; what goes to the journal, journalctl(1) follows as it does.
    #[cfg(feature = "since")]
    #[cfg_attr(docsrs, doc(cfg(feature = "since")))]
    pub since: Option<SystemTime>,
}

/// Which lines of a log, as tail(1) counts them: what is behind the last newline is a line too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lines {
    /// So many, the last ones.
    Last(u64),
    /// All from this one on, the first being 1; 0 is the first too.
    From(u64),
}

/// How many lines are shown where nothing is said; tail(1) has the same.
const USUAL: Lines = Lines::Last(10);

/// Lines of one of the daemon's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLines {
    /// The log: its path; of the journal, the command that shows it.
    pub name: OsString,
    /// The lines, byte by byte as they stand there.
    pub text: Vec<u8>,
}

/// The last ten lines of each log.
pub(crate) fn last_lines(spec: &Spec) -> Result<Vec<LogLines>, Error> {
    let mut kept = Kept::default();
    logs(spec, &LogsOptions::default(), &mut kept)?;
    Ok(kept.0)
}

/// Shows what was asked for; of all instances where none was chosen.
pub(crate) fn logs(spec: &Spec, options: &LogsOptions, audience: &mut dyn Audience) -> Result<(), Error> {
    let sources = Sources::of(spec)?;
    let mut showing = Showing::to(audience, sources.count(), options);
    match show(sources, options, &mut showing) {
        // Who has closed the pipe does not want to know.
        Err(Error::Unshown { source }) if source.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn show(sources: Sources, options: &LogsOptions, showing: &mut Showing<'_>) -> Result<(), Error> {
    for error in sources.refused {
        showing.fail(error)?;
    }
    let mut trails = Vec::new();
    for path in &sources.paths {
        match begin(path, options, showing) {
            Ok(trail) => trails.push(trail),
            Err(error) => showing.fail(file::with_unit(error, &sources.unit))?,
        }
    }
    let journal = match Journal::ask(&sources.identifiers, options, showing) {
        Ok(journal) => journal,
        Err(error) => {
            showing.fail(error)?;
            None
        }
    };
    showing.flush()?;
    match (options.follow, journal) {
        (true, journal) if !trails.is_empty() || journal.is_some() => follow::follow(trails, journal, showing),
        (_, Some(journal)) => journal.show(showing),
        (_, None) => Ok(()),
    }?;
    showing.end()
}

/// Shows the lines that are there, and returns where to go on.
fn begin(path: &Path, options: &LogsOptions, showing: &mut Showing<'_>) -> Result<Trail, Error> {
    let log = match Log::open(path) {
        Err(error) if options.follow && file::is_missing(&error) => {
            showing.remark(&Remark::Awaited(path));
            return Ok(Trail::awaited(path));
        }
        log => log?,
    };
    showing.check(&log)?;
    let end = log.len()?;
    let start = start(&log, end, options)?;
    showing.title(path.as_os_str())?;
    if end == 0 && !options.follow {
        showing.remark(&Remark::Empty(path));
    }
    // First it is noted what stands there: a log may be emptied while it is shown.
    let trail = Trail::from(log, end)?;
    trail.show_from(start, showing)?;
    Ok(trail)
}

/// Where what was asked for begins in the first `end` bytes.
fn start(log: &Log, end: u64, options: &LogsOptions) -> Result<u64, Error> {
    let by_lines = match options.lines.unwrap_or(usual(options)) {
        Lines::Last(count) => Backward::new(log, end).start_of_last(count)?,
        Lines::From(number) => log.start_of_line(number, end)?,
    };
    #[cfg(feature = "since")]
    if let Some(since) = options.since {
        return since::start(log, end, since, by_lines);
    }
    Ok(by_lines)
}

/// Which lines, where nothing was said of their number.
fn usual(options: &LogsOptions) -> Lines {
    #[cfg(feature = "since")]
    if options.since.is_some() {
        return Lines::From(1);
    }
    let _ = options;
    USUAL
}
