//! The manifests that `unit --kubernetes` makes, as Kubernetes' own client reads them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::home::{Home, Told};
use crate::tool::{are_there, says};

/// The manifest of a fixture, in a file.
fn manifest(home: &Home, path: &str, variables: &[(&str, &str)]) -> String {
    let program = home.program(Path::new(path));
    let program = variables.iter().fold(program, |program, (key, value)| program.set(key, value));
    let told = program.run(&["unit", "--kubernetes"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{}", told.stdout);
    told.stdout
}

fn client(home: &Home, text: &str, words: &[&str]) -> Told {
    let path = home.path("manifest.yaml");
    fs::write(&path, text).expect("written");
    let path = path.to_str().expect("text").to_owned();
    says(home, "kubectl", &[words, &["--local", "-o", "json", "-f", &path]].concat())
}

/// What stands there, as YAML.
fn read(home: &Home, text: &str) -> Value {
    let told = client(home, text, &["annotate", "read=so"]);
    let mut read: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|e| panic!("{e}: {told:?} of {text}"));
    read["metadata"]["annotations"].as_object_mut().expect("what was added").remove("read");
    read
}

/// What Kubernetes understands of it.
fn understood(home: &Home, text: &str) -> Value {
    let told = client(home, text, &["set", "serviceaccount", "somebody"]);
    // Where it is older than 1.21, the same has another version.
    let told = match told.code {
        0 => told,
        _ => client(home, &text.replace("batch/v1\n", "batch/v1beta1\n"), &["set", "serviceaccount", "somebody"]),
    };
    serde_json::from_str(&told.stdout).unwrap_or_else(|e| panic!("{e}: {told:?} of {text}"))
}

/// Whether all of the one is in the other.
fn is_within(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |key, value| other.get(key).is_some_and(|other| is_within(value, other));
            // Where it is older than 1.24, it knows no time zone.
            let is_later = |key: &str| key == "timeZone" && other.get(key).is_none();
            one.iter()
                .all(|(key, value)| key == "apiVersion" || is_later(key) || is_there(key, value) || is_empty(value))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_within(one, other))
        }
        (one, other) => one == other,
    }
}

/// What Kubernetes does not repeat.
fn is_empty(value: &Value) -> bool {
    value == &json!({}) || value == ""
}

#[test]
fn kubectl_understands_every_field_and_reads_the_texts_that_were_meant() {
    let test = "kubectl_understands_every_field_and_reads_the_texts_that_were_meant";
    if !are_there(test, &["kubectl"]) {
        return;
    }
    let home = Home::new();
    let (actor, settings) = (env!("CARGO_BIN_EXE_actor"), env!("CARGO_BIN_EXE_settings"));
    let greeting = "yes: 100% \"sure\" - #x $(HOME) 'no'\u{7f}";
    let env = format!("GREETING={greeting},NUMBER=0x1F,NOTHING=");
    let whole = [
        ("SETTINGS_USER", "www-data"),
        ("SETTINGS_GROUPS", "adm"),
        ("SETTINGS_WORKDIR", "/srv/a: b"),
        ("SETTINGS_ENV", &env),
    ];
    for (path, variables, kind) in [
        (actor, &[][..], "Deployment"),
        (actor, &[("ACTOR_ROLE", "ticks"), ("ACTOR_EVERY", "7m")], "Deployment"),
        (actor, &[("ACTOR_ROLE", "ticks"), ("ACTOR_EVERY", "15m")], "CronJob"),
        (env!("CARGO_BIN_EXE_crew"), &[], "Deployment"),
        (settings, &whole, "Deployment"),
    ] {
        let text = manifest(&home, path, variables);
        let (read, understood) = (read(&home, &text), understood(&home, &text));
        assert_eq!(read["kind"], kind);
        assert!(is_within(&read, &understood), "{read:#} is in {understood:#}");
    }
    let pod = &read(&home, &manifest(&home, settings, &whole))["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"], json!({"runAsUser": 33, "runAsGroup": 33, "supplementalGroups": [4]}));
    let container = &pod["containers"][0];
    assert_eq!(container["workingDir"], "/srv/a: b");
    let variables = container["env"].as_array().expect("a list");
    let value = |name: &str| variables.iter().find(|pair| pair["name"] == name).map(|pair| pair["value"].clone());
    // What stands for a variable there is no variable with two `$`.
    assert_eq!(value("GREETING"), Some(json!(greeting.replace('$', "$$"))));
    assert_eq!((value("NUMBER"), value("NOTHING")), (Some(json!("0x1F")), Some(json!(""))));
}
