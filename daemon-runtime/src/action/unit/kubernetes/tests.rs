//! What is printed for which setting.

use super::super::{UnitKind, UnitOptions};
use super::label;
use crate::{Daemon, Error};
use std::time::Duration;

fn options() -> UnitOptions {
    UnitOptions { kind: UnitKind::Kubernetes, ..UnitOptions::default() }
}

fn made(daemon: &Daemon, options: &UnitOptions) -> Result<String, Error> {
    let program = super::program::path()?;
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(daemon.unit(options)?.files.remove(0).text.replace(&format!("\"{program}\""), "\"PROGRAM\""))
}

fn manifest(daemon: &Daemon) -> String {
    made(daemon, &options()).expect("a manifest")
}

#[test]
#[cfg(feature = "cli")]
fn a_daemon_has_this_deployment() {
    let daemon = Daemon::new(|| {}).name("Web: \"x\"").pidfile("/run/web.pid").about("Serves: \"all\".");
    let daemon = daemon.start_timeout("1500ms").stop_timeout("90s").workdir("/srv/web").env("PRICE", "5$ #");
    let expected = r#"# web---x.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "web---x"
  labels:
    app.kubernetes.io/name: "web---x"
  annotations:
    kubernetes.io/description: "Serves: \"all\"."
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app.kubernetes.io/name: "web---x"
  template:
    metadata:
      labels:
        app.kubernetes.io/name: "web---x"
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: "web---x"
          image: "registry/web:1"
          command: ["PROGRAM", "run"]
          workingDir: "/srv/web"
          env:
            - name: "PRICE"
              value: "5$$ #"
          startupProbe:
            exec:
              command: ["PROGRAM", "status", "--ready"]
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            exec:
              command: ["PROGRAM", "status", "--ready"]
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          livenessProbe:
            exec:
              command: ["PROGRAM", "status"]
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
"#;
    let options = UnitOptions { image: Some("registry/web:1".to_owned()), ..options() };
    assert_eq!(made(&daemon, &options).expect("a manifest"), expected);
}

#[test]
#[cfg(feature = "cli")]
fn a_daemon_whose_period_cron_can_say_has_this_cron_job() {
    let daemon = Daemon::repeat("5m", || {}).name("tock").pidfile("/run/tock.pid");
    let expected = r#"# tock.yaml
apiVersion: batch/v1
kind: CronJob
metadata:
  name: "tock"
  labels:
    app.kubernetes.io/name: "tock"
spec:
  schedule: "*/5 * * * *"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        metadata:
          labels:
            app.kubernetes.io/name: "tock"
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 10
          containers:
            - name: "tock"
              image: "tock"
              command: ["PROGRAM", "run", "--once"]
"#;
    assert_eq!(manifest(&daemon), expected);
}

#[test]
#[cfg(feature = "cli")]
fn a_timetable_that_cron_cannot_keep_is_a_deployment_which_says_why() {
    let repeating = || Daemon::repeat("5m", || {}).name("tock").pidfile("/run/tock.pid");
    for (daemon, why) in [
        (Daemon::repeat("7m", || {}).name("tock"), "a line of cron cannot say every 7m"),
        (repeating().jitter("1s"), "`jitter`"),
        (repeating().initial_delay("1s"), "`initial_delay`"),
        (repeating().missed("burst"), "`missed`"),
        (repeating().missed("delay"), "`missed`"),
    ] {
        let text = manifest(&daemon);
        let remark = text.lines().nth(1).unwrap_or_default();
        assert!(remark.starts_with("# No CronJob: ") && remark.contains(why), "{text}");
        assert!(text.contains("\nkind: Deployment\n"), "{text}");
    }
}

#[test]
fn accounts_are_told_by_number_and_have_a_place_for_the_pidfile() {
    let daemon = || Daemon::new(|| {}).name("web").user(1000).group(1001).groups([1001, 1002]);
    let text = manifest(&daemon());
    let account = "runAsUser: 1000\n        runAsGroup: 1001\n        supplementalGroups: [1002]\n";
    assert!(text.contains(account), "{text}");
    assert!(text.contains("- name: \"XDG_STATE_HOME\"\n              value: \"/run/web/state\"\n"), "{text}");
    assert!(text.contains("mountPath: \"/run/web\"\n") && text.ends_with("emptyDir: {}\n"), "{text}");
    for folder in ["/run/web", "/var/run/web", "/tmp/a/b"] {
        let named = manifest(&daemon().pidfile(format!("{folder}/web.pid")));
        assert!(named.contains(&format!("mountPath: \"{folder}\"\n")) && !named.contains("XDG_"), "{named}");
    }
    // Root can write to where the pidfile is.
    let root = manifest(&Daemon::new(|| {}).name("web").user(0).group(0));
    assert!(root.contains("runAsUser: 0\n") && !root.contains("emptyDir"), "{root}");
}

#[test]
fn nothing_is_mounted_over_a_folder_that_may_hold_other_things() {
    let daemon = || Daemon::new(|| {}).name("web").user(1000).group(1000);
    for folder in [
        "/etc",
        "/usr/local/bin",
        "/home/web",
        "/run",
        "/var/run",
        "/tmp",
        "/run/../etc",
        "/run/a:b",
        "/runs/a",
        "/x\ny",
    ] {
        let text = manifest(&daemon().pidfile(format!("{folder}/web.pid")));
        assert!(!text.contains("emptyDir") && !text.contains("volumeMounts"), "{text}");
        let told = format!("\n# No volume for the pidfile: the image must have {}, and ", folder.replace('\n', "?"));
        assert!(text.contains(&told) && text.contains("\napiVersion: "), "{text}");
    }
}

#[test]
fn what_ends_by_itself_is_refused() {
    let repeating = || Daemon::repeat("5m", || {}).name("tock").pidfile("/run/tock.pid");
    for (daemon, why) in
        [(repeating().times(3), "after 3 ticks (`times`)"), (repeating().on_error("stop"), "(`on_error = \"stop\"`)")]
    {
        let told = made(&daemon, &options()).expect_err("refused").to_string();
        assert!(told.contains(why) && told.ends_with("leave `--kubernetes` out"), "{told}");
    }
}

#[test]
fn of_a_variable_that_is_told_twice_the_last_one_stays() {
    let text = manifest(&Daemon::new(|| {}).name("web").pidfile("/run/x").env("A", "1").env("B", "2").env("A", "3"));
    assert_eq!(text.matches("- name: \"A\"\n").count(), 1, "{text}");
    assert!(text.contains("- name: \"A\"\n              value: \"3\"\n"), "{text}");
    let user = || Daemon::new(|| {}).name("web").user(1000).group(1000);
    let state = manifest(&user().env("XDG_STATE_HOME", "/srv"));
    assert_eq!(state.matches("XDG_STATE_HOME").count(), 1, "{state}");
    assert!(state.contains("value: \"/run/web/state\"\n"), "{state}");
}

#[test]
fn an_image_without_a_name_or_with_blanks_in_it_is_refused() {
    for (image, why) in [("", "an image has a name"), ("a b", "\"a b\" is no image"), ("a\u{7}", "is no image")] {
        let options = UnitOptions { image: Some(image.to_owned()), ..options() };
        let told = made(&Daemon::new(|| {}).name("web").pidfile("/run/x"), &options).expect_err("refused").to_string();
        assert!(told.starts_with(why) || told.contains(why), "{told}");
    }
}

#[test]
fn what_needs_root_first_is_left_to_the_daemon_and_said() {
    let daemon = || Daemon::new(|| {}).name("web").user(1000).group(1000);
    for (daemon, why) in [
        (daemon().chroot("/srv"), "`chroot`"),
        (daemon().before("privileges", || {}), "the hook `before(privileges)`"),
        (daemon().after("chroot", || {}), "the hook `after(chroot)`"),
    ] {
        let text = manifest(&daemon);
        assert!(text.contains(&format!("\n# No securityContext: {why} may need root")), "{text}");
        assert!(!text.contains("runAs") && !text.contains("emptyDir"), "{text}");
    }
    for daemon in [daemon().after("privileges", || {}), daemon().before("detach", || {})] {
        assert!(manifest(&daemon).contains("runAsUser"));
    }
}

#[test]
fn all_instances_are_one_deployment_and_one_of_them_is_another() {
    let daemon = || Daemon::new(|| {}).name("web").pidfile("/run/{n}.pid").instances(3);
    assert!(manifest(&daemon()).contains("command: [\"PROGRAM\", \"run\"]\n"));
    let apart = daemon().pidfile("/run/pids/{n}/web.pid").workdir("/srv/{n}").user(1000).group(1000);
    let text = manifest(&apart);
    assert!(text.contains("mountPath: \"/run/pids\"\n") && !text.contains("{n}"), "{text}");
    if cfg!(feature = "cli") {
        let one = manifest(&daemon().instance(2));
        assert!(one.contains("command: [\"PROGRAM\", \"run\", \"--instance\", \"2\"]\n"), "{one}");
        assert!(one.contains("command: [\"PROGRAM\", \"status\", \"--instance\", \"2\"]\n"), "{one}");
        assert!(one.contains("command: [\"PROGRAM\", \"status\", \"--ready\", \"--instance\", \"2\"]\n"), "{one}");
    }
}

#[test]
fn times_are_whole_seconds_and_zero_is_at_once() {
    let daemon = |stop: Duration| Daemon::new(|| {}).name("web").pidfile("/run/web.pid").stop_timeout(stop);
    assert!(manifest(&daemon(Duration::from_millis(1))).contains("terminationGracePeriodSeconds: 1\n"));
    assert!(manifest(&daemon(Duration::ZERO)).contains("terminationGracePeriodSeconds: 0\n"));
    if cfg!(feature = "cli") {
        let patient = manifest(&daemon(Duration::MAX).start_timeout(Duration::MAX));
        assert!(patient.contains("failureThreshold: 2147483647\n"), "{patient}");
    }
    assert!(!manifest(&daemon(Duration::MAX).start_timeout("0s")).contains("startupProbe"));
}

#[test]
fn signs_of_life_are_nothing_to_kubernetes() {
    let watched = UnitOptions { watchdog: Some(Duration::from_secs(1)), ..options() };
    let told = made(&Daemon::new(|| {}).name("web"), &watched).expect_err("refused").to_string();
    assert!(told.contains("`--watchdog`"), "{told}");
}

#[test]
fn a_name_is_one_that_kubernetes_takes() {
    assert_eq!((label("My_web.1").as_str(), label("-\u{e9}-").as_str()), ("my-web-1", "daemon"));
    assert_eq!(label(&"ab-".repeat(30)), format!("{}a", "ab-".repeat(17)));
}
