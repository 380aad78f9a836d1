//! Periods that a line of crontab(5) can say.

use std::time::Duration;

use crate::action::unit::refuse;
use crate::error::Error;
use crate::spec::setting::{Missed, OnError};
use crate::spec::{Job, Spec, Timetable};

/// Kubernetes begins what has ended again, and a `CronJob` goes on for ever; so neither is for a daemon that has an end of its own.
pub(super) fn check_end(spec: &Spec) -> Result<(), Error> {
    match &*spec.job.borrow() {
        Job::Repeat { timetable: Timetable { times: times @ 1.., .. }, .. } => refuse(format!(
            "Kubernetes begins again what has ended, and this daemon ends after {times} ticks (`times`): leave `--kubernetes` out"
        )),
        Job::Repeat { on_error: OnError::Stop, .. } => refuse(
            "Kubernetes begins again what has ended, and this daemon ends after a tick that failed (`on_error = \"stop\"`): leave \
             `--kubernetes` out",
        ),
        _ => Ok(()),
    }
}

/// The line, if it says all that the timetable does; else why there is none, for a daemon that repeats.
pub(super) fn schedule(spec: &Spec) -> Result<String, Option<String>> {
    let because = |why: &str| Some(format!("No CronJob: {why}."));
    match &*spec.job.borrow() {
        Job::Repeat { .. } if cfg!(not(feature = "cli")) => {
            Err(because("`run --once` can only be read with the feature `cli` of daemon-runtime"))
        }
        Job::Repeat { timetable, .. } => match why_not(timetable) {
            Some(why) => Err(because(why)),
            None => line(timetable.every).ok_or_else(|| {
                let every = humantime::format_duration(timetable.every);
                because(&format!("a line of cron cannot say every {every}"))
            }),
        },
        _ => Err(None),
    }
}

fn why_not(table: &Timetable) -> Option<&'static str> {
    match table {
        Timetable { missed: Missed::Burst, .. } => Some("it makes up for no tick that was missed (`missed`)"),
        Timetable { missed: Missed::Delay, .. } => Some("it does not count from the end of a tick (`missed`)"),
        Timetable { jitter, .. } if !jitter.is_zero() => Some("it has no `jitter`"),
        Timetable { initial_delay, .. } if !initial_delay.is_zero() => Some("it has no `initial_delay`"),
        _ => None,
    }
}

/// Cron begins anew with every hour, day and week, so only what divides one of these comes out even.
fn line(every: Duration) -> Option<String> {
    let is_whole = every.subsec_nanos() == 0 && every.as_secs() % 60 == 0;
    let minutes = every.as_secs() / 60;
    let hours = minutes / 60;
    match minutes {
        _ if !is_whole => None,
        1 => Some("* * * * *".to_owned()),
        2..60 if 60 % minutes == 0 => Some(format!("*/{minutes} * * * *")),
        60 => Some("0 * * * *".to_owned()),
        61..1440 if minutes % 60 == 0 && 24 % hours == 0 => Some(format!("0 */{hours} * * *")),
        1440 => Some("0 0 * * *".to_owned()),
        10_080 => Some("0 0 * * 0".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_period_that_comes_out_even_has_a_line() {
        let told = |seconds| line(Duration::from_secs(seconds)).unwrap_or_default();
        assert_eq!([told(60), told(300), told(1800)], ["* * * * *", "*/5 * * * *", "*/30 * * * *"]);
        assert_eq!([told(3600), told(6 * 3600)], ["0 * * * *", "0 */6 * * *"]);
        assert_eq!([told(86_400), told(7 * 86_400)], ["0 0 * * *", "0 0 * * 0"]);
        for seconds in [1, 59, 90, 420, 2700, 5 * 3600, 5400, 2 * 86_400, 30 * 86_400] {
            assert_eq!(told(seconds), "", "{seconds}");
        }
        assert_eq!(line(Duration::from_millis(60_001)), None);
    }
}
