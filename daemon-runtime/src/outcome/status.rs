//! What `status` tells, in words and as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::action::{State, Status, Vitals};

/// The line for a person.
pub(super) fn line(status: &Status, wanted: &[String]) -> String {
    format!("{} -- {}", status.name, words(status, wanted))
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
        State::NotRunning => "not running".to_owned(),
        State::Unknown { reason } => format!("cannot tell whether it is running ({reason})"),
    }
}

fn running(vitals: &Vitals) -> String {
    format!(
        "pid: {}, status: running, uptime: {}, %cpu: {:.1}, %mem: {:.1}",
        vitals.pid,
        uptime(vitals.uptime),
        vitals.cpu_percent,
        vitals.memory_percent
    )
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn json(status: &Status, wanted: &[String]) -> Value {
    let mut all = status.more.clone();
    all.insert("name".into(), json!(status.name));
    match &status.state {
        State::Running(vitals) => with_vitals(&mut all, vitals),
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
    put(all, "uptime", json!(rounded(vitals.uptime.as_secs_f64())));
    put(all, "cpu_percent", json!(rounded(vitals.cpu_percent)));
    put(all, "memory_percent", json!(rounded(vitals.memory_percent)));
    put(all, "group_num_procs", json!(vitals.group_num_procs));
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
    use crate::action::fields;

    fn status(state: State) -> Status {
        Status { name: "foo".into(), state, more: Map::new() }
    }

    fn vitals() -> Vitals {
        let uptime = Duration::from_secs(12 * 86_400 + 3 * 3_600 + 4 * 60);
        Vitals { pid: 1234, uptime, cpu_percent: 12.44, memory_percent: 4.51, group_num_procs: 3 }
    }

    #[test]
    fn a_running_daemon_is_told_as_documented() {
        let told = words(&status(State::Running(vitals())), &[]);
        assert_eq!(told, "pid: 1234, status: running, uptime: 12d 3h 4m, %cpu: 12.4, %mem: 4.5");
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
    fn the_json_has_every_usual_field_and_only_those_asked_for() {
        let whole = json(&status(State::Running(vitals())), &[]);
        assert!(fields::USUAL.iter().all(|field| whole.get(field).is_some()), "{whole}");
        assert_eq!(json(&status(State::Running(vitals())), &["pid".into()]), json!({"pid": 1234}));
    }
}
