//! What a repeating daemon tells of its ticks, in words and as JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::action::{LastTick, Ordered, RecentTick, Ticks};

/// The lines for a person, below that of the daemon.
pub(super) fn lines(ticks: &Ticks) -> Vec<String> {
    let Ticks { done, failed, skipped, .. } = ticks;
    let mut lines = vec![format!("ticks: {done} done, {failed} failed, {skipped} skipped")];
    lines.extend(ticks.last.as_ref().map(|last| format!("last tick: {}", self::last(last))));
    lines.extend(ticks.running.as_ref().map(|tick| format!("running tick: {} for {}", tick.number, span(tick.since))));
    let next =
        ticks.next.as_ref().map(|next| format!("{} in {}, at {}", next.number, span(next.due_in), moment(next.at)));
    let next = if ticks.paused { Some("none, because it is paused".to_owned()) } else { next };
    lines.extend(next.map(|next| format!("next tick: {next}")));
    lines
}

/// A tick that has ended, in words.
pub(super) fn last(tick: &LastTick) -> String {
    let how = tick.error.as_ref().map(|error| format!(", failed: {error}")).unwrap_or_default();
    format!("{} at {}, took {}{how}", tick.number, moment(tick.began), span(tick.took))
}

/// What came of what was asked of the daemon, behind its OK.
pub(super) fn ordered(ordered: &Ordered) -> String {
    match ordered {
        Ordered::Ran(tick) => format!(" (tick {}, took {})", tick.number, span(tick.took)),
        Ordered::Paused(Ticks { running: Some(tick), .. }) => format!(" (tick {} goes on)", tick.number),
        Ordered::Resumed(Ticks { next: Some(next), .. }) => format!(" (tick {} in {})", next.number, span(next.due_in)),
        Ordered::Paused(_) | Ordered::Resumed(_) => String::new(),
    }
}

pub(super) fn json(ticks: &Ticks) -> Value {
    let last = |last: &LastTick| {
        json!({
            "number": last.number,
            "time": precise(last.began),
            "seconds": last.took.as_secs_f64(),
            "ok": last.error.is_none(),
            "error": last.error,
        })
    };
    let recent = |tick: &RecentTick| json!({"number": tick.number, "seconds": tick.took.as_secs_f64(), "ok": tick.ok});
    json!({
        "done": ticks.done,
        "failed": ticks.failed,
        "skipped": ticks.skipped,
        "paused": ticks.paused,
        "last_failed": ticks.last_failed.as_ref().map(|tick| json!({"number": tick.number, "error": tick.error})),
        "recent": ticks.recent.iter().map(recent).collect::<Vec<_>>(),
        "running": ticks.running.as_ref().map(|tick| json!({"number": tick.number, "seconds": tick.since.as_secs_f64()})),
        "last": ticks.last.as_ref().map(last),
        "next": ticks.next.as_ref().map(|next| {
            json!({"number": next.number, "time": precise(next.at), "seconds": next.due_in.as_secs_f64()})
        }),
    })
}

fn moment(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

fn precise(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// A length of time, as exactly as a person wants to know it.
pub(super) fn span(time: Duration) -> String {
    let whole = |unit: Duration| {
        let units = time.as_nanos().div_ceil(unit.as_nanos());
        units * unit.as_nanos()
    };
    let unit = match time.as_secs() {
        0 if time < Duration::from_millis(1) => Duration::from_micros(1),
        0 => Duration::from_millis(1),
        1..60 => Duration::from_millis(100),
        _ => Duration::from_secs(1),
    };
    let rounded = u64::try_from(whole(unit)).map_or(time, Duration::from_nanos);
    humantime::format_duration(rounded).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{FailedTick, NextTick, RunningTick};
    use std::time::UNIX_EPOCH;

    const SECOND: Duration = Duration::from_secs(1);

    fn ticks() -> Ticks {
        let began = UNIX_EPOCH + 1_795_654_205 * SECOND;
        let last = LastTick { number: 122, began, took: SECOND * 6 / 5, error: Some("disk full".into()) };
        let next = NextTick { number: 123, due_in: 3 * SECOND, at: began + 5 * SECOND };
        let recent = vec![RecentTick { number: 122, took: last.took, ok: false }];
        let last_failed = Some(FailedTick { number: 122, error: "disk full".into() });
        Ticks {
            done: 120,
            failed: 2,
            skipped: 1,
            paused: false,
            running: None,
            last: Some(last),
            last_failed,
            recent,
            next: Some(next),
        }
    }

    #[test]
    fn ticks_are_told_as_documented() {
        let told = [
            "ticks: 120 done, 2 failed, 1 skipped",
            "last tick: 122 at 2026-11-26T00:50:05Z, took 1s 200ms, failed: disk full",
            "next tick: 123 in 3s, at 2026-11-26T00:50:10Z",
        ];
        assert_eq!(lines(&ticks()), told);
    }

    #[test]
    fn a_pause_and_a_tick_that_runs_are_told() {
        let running = Some(RunningTick { number: 123, since: 75 * SECOND });
        let told = lines(&Ticks { paused: true, running, next: None, last: None, ..ticks() });
        assert_eq!(told[1..], ["running tick: 123 for 1m 15s", "next tick: none, because it is paused"]);
    }

    #[test]
    fn the_json_has_numbers_and_moments_that_programs_read() {
        let told = json(&ticks());
        assert_eq!(told["last"]["time"], "2026-11-26T00:50:05.000Z");
        assert_eq!((&told["last"]["ok"], &told["running"]), (&json!(false), &Value::Null));
        assert_eq!(told["recent"], json!([{"number": 122, "seconds": 1.2, "ok": false}]));
        assert_eq!(told["last_failed"], json!({"number": 122, "error": "disk full"}));
        assert_eq!(told["next"], json!({"number": 123, "time": "2026-11-26T00:50:10.000Z", "seconds": 3.0}));
    }

    #[test]
    fn a_span_is_told_in_no_more_words_than_it_needs() {
        let told = |nanos| span(Duration::from_nanos(nanos));
        assert_eq!(told(1_234), "2us");
        assert_eq!(told(12_345_678), "13ms");
        assert_eq!(told(1_230_000_000), "1s 300ms");
        assert_eq!(told(61_000_000_000), "1m 1s");
        assert_eq!(told(0), "0s");
    }
}
