//! What `status` tells, in words and as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ticks;
use crate::action::{State, Status, Vitals, fields};

/// The line for a person; below it, what a repeating daemon tells of its ticks.
pub(super) fn text(status: &Status, wanted: &[String]) -> String {
    let line = format!("{} -- {}", status.name, words(status, wanted));
    let below = match &status.ticks {
        Some(Ok(ticks)) if wanted.is_empty() => ticks::lines(ticks),
        Some(Err(why)) if wanted.is_empty() => vec![format!("ticks: cannot be told ({why})")],
        _ => Vec::new(),
    };
    let says = status.text.as_ref().filter(|_| wanted.is_empty()).map(|text| format!("says: {text}"));
    below.into_iter().chain(says).fold(line, |text, line| format!("{text}\n  {line}"))
}

fn words(status: &Status, wanted: &[String]) -> String {
    match &status.state {
        State::Running(_) if !wanted.is_empty() => {
            let told = json(status, wanted);
            let field = |field: &String| format!("{field}: {}", plain(told.get(field).unwrap_or(&Value::Null)));
            wanted.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        State::Running(vitals) => running(vitals),
        State::Dead { left } => format!("not running ({left})"),
        State::Starting { pid } => format!("pid: {pid}, status: starting"),
        State::NotRunning => "not running".to_owned(),
        State::Unknown { reason } => format!("cannot tell whether it is running ({reason})"),
    }
}

fn running(vitals: &Vitals) -> String {
    let percent = |share: f64| format!("{share:.1}");
    let fields = [
        ("uptime", vitals.uptime.map(uptime)),
        ("%cpu", vitals.cpu_percent.map(percent)),
        ("%mem", vitals.memory_percent.map(percent)),
    ];
    let told = fields.iter().filter_map(|(name, value)| Some(format!(", {name}: {}", value.as_ref()?)));
    let told: String = [format!("pid: {}, status: running", vitals.pid)].into_iter().chain(told).collect();
    match &vitals.untold {
        None => told,
        Some(why) => {
            let untold: Vec<_> = fields.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
            format!("{told} ({} cannot be told: {why})", untold.join(", "))
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn json(status: &Status, wanted: &[String]) -> Value {
    let mut all = status.more.clone();
    all.insert("name".into(), json!(status.name));
    match &status.state {
        State::Running(vitals) => {
            with_vitals(&mut all, vitals);
            with_ticks(&mut all, status, wanted);
        }
        State::Starting { pid } => {
            put(&mut all, "status", json!("starting"));
            put(&mut all, "pid", json!(pid));
        }
        State::Dead { .. } | State::NotRunning => put(&mut all, "status", json!("dead")),
        State::Unknown { .. } => put(&mut all, "status", json!("unknown")),
    }
    let is_wanted = |field: &String| wanted.is_empty() || wanted.contains(field) || !is_running(status);
    all.into_iter().filter(|(field, _)| is_wanted(field)).collect::<Map<_, _>>().into()
}

fn is_running(status: &Status) -> bool {
    matches!(status.state, State::Running(_))
}

fn with_vitals(all: &mut Map<String, Value>, vitals: &Vitals) {
    put(all, "status", json!("running"));
    put(all, "pid", json!(vitals.pid));
    put(all, "uptime", json!(vitals.uptime.map(|uptime| rounded(uptime.as_secs_f64()))));
    put(all, "cpu_percent", json!(vitals.cpu_percent.map(rounded)));
    put(all, "memory_percent", json!(vitals.memory_percent.map(rounded)));
    put(all, "group_num_procs", json!(vitals.group_num_procs));
}

/// For those that have any, and for who asks.
fn with_ticks(all: &mut Map<String, Value>, status: &Status, wanted: &[String]) {
    let is_wanted = |name: &str| wanted.iter().any(|field| field == name);
    if status.ticks.is_some() || is_wanted(fields::TICKS) {
        let ticks = status.ticks.as_ref().and_then(|ticks| ticks.as_ref().ok());
        put(all, fields::TICKS, ticks.map_or(Value::Null, ticks::json));
    }
    if status.text.is_some() || is_wanted(fields::TEXT) {
        put(all, fields::TEXT, json!(status.text));
    }
}

fn put(all: &mut Map<String, Value>, field: &str, value: Value) {
    all.insert(field.to_owned(), value);
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Days, hours and minutes, as far as there are any: `12d 3h 4m`.
fn uptime(uptime: Duration) -> String {
    let minutes = (uptime.as_secs() + 30) / 60;
    let parts = [(minutes / 1440, 'd'), (minutes / 60 % 24, 'h'), (minutes % 60, 'm')];
    let mut told: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if told.is_empty() {
        told.push("0m".to_owned());
    }
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: State) -> Status {
        Status { name: "foo".into(), state, ticks: None, text: None, more: Map::new() }
    }

    fn vitals() -> Vitals {
        let uptime = Duration::from_secs(12 * 86_400 + 3 * 3_600 + 4 * 60);
        Vitals {
            pid: 1234,
            uptime: Some(uptime),
            cpu_percent: Some(12.44),
            memory_percent: Some(4.51),
            memory_bytes: Some(4096),
            group_num_procs: Some(3),
            untold: None,
            spent: Vec::new(),
        }
    }

    #[test]
    fn a_running_daemon_is_told_as_documented() {
        let told = words(&status(State::Running(vitals())), &[]);
        assert_eq!(told, "pid: 1234, status: running, uptime: 12d 3h 4m, %cpu: 12.4, %mem: 4.5");
    }

    #[test]
    fn what_cannot_be_told_is_named_with_the_reason_and_null_in_the_json() {
        let untold = Some("/proc is not mounted".to_owned());
        let unseen = Vitals { uptime: None, cpu_percent: None, memory_percent: None, untold, ..vitals() };
        let unseen = status(State::Running(Vitals { group_num_procs: None, ..unseen }));
        let told = "pid: 1234, status: running (uptime, %cpu, %mem cannot be told: /proc is not mounted)";
        assert_eq!(words(&unseen, &[]), told);
        let nulls = json!({"name": "foo", "status": "running", "pid": 1234, "uptime": null, "cpu_percent": null,
            "memory_percent": null, "group_num_procs": null});
        assert_eq!(json(&unseen, &[]), nulls);
    }

    #[test]
    fn an_uptime_is_told_in_whole_minutes() {
        let told = |secs| uptime(Duration::from_secs(secs));
        assert_eq!([told(0), told(1_000), told(10_000), told(100_000)], ["0m", "17m", "2h 47m", "1d 3h 47m"]);
    }

    #[test]
    fn the_json_of_a_dead_daemon_has_its_name_and_that_it_is_dead() {
        let told = json(&status(State::NotRunning), &["pid".into()]);
        assert_eq!(told, json!({"name": "foo", "status": "dead"}));
    }

    #[test]
    fn one_that_is_starting_is_told_with_its_pid_and_nothing_else() {
        let starting = status(State::Starting { pid: 7 });
        assert_eq!(text(&starting, &["uptime".into()]), "foo -- pid: 7, status: starting");
        assert_eq!(json(&starting, &["uptime".into()]), json!({"name": "foo", "status": "starting", "pid": 7}));
    }

    #[test]
    fn the_json_has_every_usual_field_and_only_those_asked_for() {
        let whole = json(&status(State::Running(vitals())), &[]);
        assert!(fields::USUAL.iter().all(|field| whole.get(field).is_some()), "{whole}");
        assert_eq!(json(&status(State::Running(vitals())), &["pid".into()]), json!({"pid": 1234}));
    }
}
