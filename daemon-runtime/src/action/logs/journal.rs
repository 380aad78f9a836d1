//! What is in the journal of systemd is shown by its own command, journalctl(1).

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::file::BLOCK;
use super::showing::Showing;
#[cfg(feature = "since")]
use super::since;
use super::{Lines, LogsOptions, usual};
use crate::error::Error;
use crate::sys::again::again;
use crate::sys::spawn::die_with_us;

/// journalctl at work. It ends with this.
pub(super) struct Journal {
    name: OsString,
    command: Child,
    lines: ChildStdout,
}

impl Journal {
    /// Begins it with the same wishes; nothing where no stream goes there.
    pub(super) fn ask(
        identifiers: &[String],
        options: &LogsOptions,
        showing: &Showing<'_>,
    ) -> Result<Option<Self>, Error> {
        if identifiers.is_empty() {
            return Ok(None);
        }
        let names: Vec<_> = identifiers.iter().map(|name| format!("--identifier={name}")).collect();
        let name = format!("journalctl {}", names.join(" "));
        let mut command = Command::new("journalctl");
        command.args(names).args(wishes(options)).stdin(Stdio::null()).stdout(Stdio::piped());
        if showing.is_coloured() {
            // systemd(1): it cannot see for itself that its lines go to a terminal in the end.
            command.env("SYSTEMD_COLORS", "true");
        }
        die_with_us(&mut command);
        let failed = |source| Error::Journal { command: name.clone(), source };
        let mut command = command.spawn().map_err(failed)?;
        let lines = command.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Some(Self { name: name.into(), command, lines }))
    }

    /// Shows some lines, as soon as there are any; false where there will be none any more.
    pub(super) fn show_some(&mut self, showing: &mut Showing<'_>) -> Result<bool, Error> {
        let mut buffer = vec![0; BLOCK];
        let count = again(|| self.lines.read(&mut buffer)).map_err(|e| self.failed(e))?;
        if count > 0 {
            showing.lines(&self.name, buffer.get(..count).unwrap_or_default())?;
        }
        Ok(count > 0)
    }

    /// Shows them all, to its end.
    pub(super) fn show(mut self, showing: &mut Showing<'_>) -> Result<(), Error> {
        showing.title(&self.name.clone())?;
        while self.show_some(showing)? {}
        self.finish().or_else(|error| showing.fail(error))
    }

    /// How it ended. What it had to say is on our stderr already.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        match again(|| self.command.wait()) {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failed(io::Error::other(format!("it ended with {status}")))),
            Err(e) => Err(self.failed(e)),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Journal { command: self.name.to_string_lossy().into_owned(), source }
    }
}

impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lines.as_fd()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // One that was waited for gets no signal any more.
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

/// The options by which journalctl has the same.
fn wishes(options: &LogsOptions) -> Vec<String> {
    // What it does not take as a number, no journal has as lines.
    let most = u64::from(u32::MAX >> 1);
    let lines = match options.lines.unwrap_or(usual(options)) {
        Lines::Last(count) if count > most => "all".to_owned(),
        Lines::Last(count) => count.to_string(),
        Lines::From(0 | 1) => "all".to_owned(),
        Lines::From(number) if number > most => "0".to_owned(),
        // Known to systemd 255 and later; others say that it is none.
        Lines::From(number) => format!("+{number}"),
    };
    let mut wishes = vec!["--no-pager".to_owned(), format!("--lines={lines}")];
    #[cfg(feature = "since")]
    wishes.extend(options.since.map(|since| format!("--since={}", since::in_seconds(since))));
    if options.follow {
        wishes.push("--follow".to_owned());
    }
    wishes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journalctl_is_asked_for_the_same() {
        let options = LogsOptions { follow: true, ..LogsOptions::default() };
        assert_eq!(wishes(&options), ["--no-pager", "--lines=10", "--follow"]);
        let lines = |lines| wishes(&LogsOptions { lines: Some(lines), ..LogsOptions::default() });
        assert_eq!(lines(Lines::From(1)), ["--no-pager", "--lines=all"]);
        assert_eq!(lines(Lines::From(7)), ["--no-pager", "--lines=+7"]);
        assert_eq!(lines(Lines::Last(u64::MAX)), ["--no-pager", "--lines=all"]);
        assert_eq!(lines(Lines::From(u64::MAX)), ["--no-pager", "--lines=0"]);
        assert_eq!(lines(Lines::Last(0)), ["--no-pager", "--lines=0"]);
    }

    #[cfg(feature = "since")]
    #[test]
    fn a_time_is_handed_on_to_the_microsecond() {
        let since = Some(std::time::UNIX_EPOCH + std::time::Duration::from_micros(1_795_000_000_250_001));
        let options = LogsOptions { since, ..LogsOptions::default() };
        assert_eq!(wishes(&options), ["--no-pager", "--lines=all", "--since=@1795000000.250001"]);
    }
}
