//! When the daemon began, and the processor time that it has had. All times are in seconds.

use std::time::Duration;

use procfs::process::{Process, Stat};
use serde_json::{Value, json};

/// Since 1970. Counted from the time of the boot in whole seconds, as ps(1) and psutil do: so it stays the same.
pub(super) fn created(stat: &Stat) -> Option<f64> {
    let boot = Duration::from_secs(procfs::boot_time_secs().ok()?);
    Some((boot + ticks(stat.starttime)).as_secs_f64())
}

pub(super) fn of_cpu(stat: &Stat) -> Value {
    let children = |count: i64| seconds(u64::try_from(count).unwrap_or_default());
    json!({
        "user": seconds(stat.utime), "system": seconds(stat.stime),
        "children_user": children(stat.cutime), "children_system": children(stat.cstime),
        "iowait": stat.delayacct_blkio_ticks.map(seconds),
    })
}

pub(super) fn of_threads(process: &Process) -> Option<Value> {
    let told =
        |stat: Stat| json!({"id": stat.pid, "user_time": seconds(stat.utime), "system_time": seconds(stat.stime)});
    // A thread may end between the list and the look.
    Some(process.tasks().ok()?.flatten().filter_map(|thread| thread.stat().ok()).map(told).collect())
}

fn seconds(count: u64) -> f64 {
    ticks(count).as_secs_f64()
}

fn ticks(count: u64) -> Duration {
    let per_second = procfs::ticks_per_second().max(1);
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> (Process, Stat) {
        let process = Process::myself().expect("this process");
        let stat = process.stat().expect("its stat");
        (process, stat)
    }

    #[test]
    fn a_process_was_created_before_now_and_after_the_boot() {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64();
        let created = created(&me().1).expect("told");
        let boot = Duration::from_secs(procfs::boot_time_secs().expect("told")).as_secs_f64();
        assert!(boot <= created && created <= now + 1.0, "{boot} <= {created} <= {now}");
    }

    #[test]
    fn processor_time_is_told_in_seconds() {
        let mut stat = me().1;
        (stat.utime, stat.stime) = (150, 25);
        let (told, per_second) = (of_cpu(&stat), procfs::ticks_per_second());
        assert_eq!(per_second, 100, "on every Linux");
        assert_eq!((&told["user"], &told["system"]), (&json!(1.5), &json!(0.25)));
    }

    #[test]
    fn every_thread_is_told_with_its_id() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || wait.recv());
        let (process, stat) = me();
        let threads = of_threads(&process).expect("told");
        let ids: Vec<_> = threads.as_array().expect("a list").iter().map(|thread| &thread["id"]).collect();
        assert!(ids.len() > 1 && ids.contains(&&json!(stat.pid)), "{threads}");
        drop(done);
        assert!(thread.join().expect("joined").is_err());
    }
}
