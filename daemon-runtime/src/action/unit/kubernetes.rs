//! A manifest for Kubernetes: a Deployment, or for a repeating daemon whose period a line of cron can say, a `CronJob`.

mod account;
mod cron;
mod yaml;

use std::path::Path;
use std::time::Duration;

use self::account::Account;
use self::yaml::Node;
use super::program::{self, Work};
use super::{Subject, UnitFile, refuse};
use crate::error::Error;
use crate::spec::plan::NUMBER;

/// Kubernetes' own label for what a thing is called.
const NAME: &str = "app.kubernetes.io/name";

pub(super) fn manifest(subject: &Subject<'_>) -> Result<UnitFile, Error> {
    if subject.options.watchdog.is_some() {
        return refuse(
            "Kubernetes hears no signs of life, it asks `status`: leave `--watchdog` out, or `--kubernetes`",
        );
    }
    cron::check_end(subject.spec)?;
    check_image(subject.options.image.as_deref())?;
    let object = Object::of(subject)?;
    let name = format!("{}.yaml", object.name);
    let mut text = format!("# {name}\n");
    let (body, why) = match cron::schedule(subject.spec) {
        Ok(schedule) => (object.cron_job(&schedule)?, None),
        Err(why) => (object.deployment()?, why),
    };
    for remark in why.into_iter().chain(object.account.remark.clone()) {
        text.extend(["# ", &remark, "\n"]);
    }
    text.push_str(&yaml::document(&body));
    Ok(UnitFile { name, text })
}

fn check_image(image: Option<&str>) -> Result<(), Error> {
    match image {
        Some("") => refuse("an image has a name: `--image registry.example.org/NAME:1`, or leave `--image` out"),
        Some(image) if image.contains(|c: char| c.is_control() || c.is_whitespace()) => {
            refuse(format!("{image:?} is no image: no name of one has blanks or control characters"))
        }
        _ => Ok(()),
    }
}

/// What is the same for both kinds.
struct Object<'a> {
    subject: &'a Subject<'a>,
    /// A label as RFC 1123 has it.
    name: String,
    account: Account,
}

impl<'a> Object<'a> {
    fn of(subject: &'a Subject<'a>) -> Result<Self, Error> {
        let name = label(&subject.plan.name.replace(NUMBER, ""));
        let account = Account::of(subject, &name)?;
        Ok(Self { subject, name, account })
    }

    fn deployment(&self) -> Result<Node, Error> {
        let spec = Node::map([
            ("replicas", Node::Number(1)),
            // Never two at a time.
            ("strategy", Node::map([("type", Node::Word("Recreate"))])),
            ("selector", Node::map([("matchLabels", self.labels())])),
            ("template", self.pod(Work::Run)?),
        ]);
        Ok(self.top("apps/v1", "Deployment", spec))
    }

    fn cron_job(&self, schedule: &str) -> Result<Node, Error> {
        // A tick that fails is told, and the next one comes when it is due.
        let job = Node::map([("backoffLimit", Node::Number(0)), ("template", self.pod(Work::Once)?)]);
        let spec = Node::map([
            ("schedule", Node::text(schedule)),
            // Not that of the cluster, where an hour may come twice.
            ("timeZone", Node::Word("Etc/UTC")),
            ("concurrencyPolicy", Node::Word("Forbid")),
            ("jobTemplate", Node::map([("spec", job)])),
        ]);
        Ok(self.top("batch/v1", "CronJob", spec))
    }

    fn top(&self, version: &'static str, kind: &'static str, spec: Node) -> Node {
        let mut metadata = vec![("name", Node::text(&self.name)), ("labels", self.labels())];
        if let Some(about) = self.subject.about() {
            metadata.push(("annotations", Node::map([("kubernetes.io/description", Node::text(&about))])));
        }
        Node::map([
            ("apiVersion", Node::Word(version)),
            ("kind", Node::Word(kind)),
            ("metadata", Node::map(metadata)),
            ("spec", spec),
        ])
    }

    fn labels(&self) -> Node {
        Node::map([(NAME, Node::text(&self.name))])
    }

    fn pod(&self, work: Work) -> Result<Node, Error> {
        let mut spec = Vec::new();
        if work == Work::Once {
            spec.push(("restartPolicy", Node::Word("Never")));
        }
        spec.push(("terminationGracePeriodSeconds", seconds(self.subject.plan.stop_timeout, i64::MAX)));
        spec.extend(self.account.security.clone().map(|security| ("securityContext", security)));
        spec.push(("containers", Node::List(vec![self.container(work)?])));
        if let Some(place) = &self.account.volume {
            let volume = [("name", Node::text(place.name)), ("emptyDir", Node::Word("{}"))];
            spec.push(("volumes", Node::List(vec![Node::map(volume)])));
        }
        Ok(Node::map([("metadata", Node::map([("labels", self.labels())])), ("spec", Node::map(spec))]))
    }

    fn container(&self, work: Work) -> Result<Node, Error> {
        let program = program::path()?;
        let program =
            Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let number = || program::number(self.subject.spec);
        let words = program::words(self.subject, work, number(), literal)?;
        let command = |words: Vec<String>| {
            Node::List(std::iter::once(literal(&program)).chain(words).map(|word| Node::text(&word)).collect())
        };
        let mut container = vec![
            ("name", Node::text(&self.name)),
            ("image", Node::text(self.subject.options.image.as_deref().unwrap_or(&self.name))),
            ("command", command(words)),
        ];
        let plan = &self.subject.plan;
        if let Some(folder) = self.working_directory() {
            container.push(("workingDir", Node::text(folder)));
        }
        container.extend(self.variables().map(|variables| ("env", variables)));
        if work == Work::Run {
            let number = number().into_iter().flat_map(|number| ["--instance".to_owned(), number]);
            let number: Vec<_> = number.collect();
            let ask =
                |words: &[&str]| command(words.iter().map(|word| (*word).to_owned()).chain(number.clone()).collect());
            container.extend(probes(ask, plan.start_timeout));
        }
        if let Some(place) = &self.account.volume {
            let mount = [("name", Node::text(place.name)), ("mountPath", Node::text(&place.path))];
            container.push(("volumeMounts", Node::List(vec![Node::map(mount)])));
        }
        Ok(Node::map(container))
    }

    /// The daemon's own, where it is the same for all that run in the container.
    fn working_directory(&self) -> Option<&str> {
        let plan = &self.subject.plan;
        let folder = plan.workdir.to_str().filter(|folder| plan.chroot.is_none() && *folder != "/")?;
        (!self.subject.is_template() || !folder.contains(NUMBER)).then_some(folder)
    }

    /// Those that Kubernetes takes; the daemon sets them all by itself.
    fn variables(&self) -> Option<Node> {
        let is_name = |key: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            key.chars().all(is_part) && !key.starts_with(|c: char| c.is_ascii_digit())
        };
        let own = self.subject.spec.env.iter().filter_map(|(key, value)| key.to_str().zip(value.to_str()));
        let own = own.filter(|(key, _)| is_name(key));
        let given = self.account.variable.iter().map(|(key, value)| (*key, value.as_str()));
        let of_paths = self.subject.variables();
        // The last of a name counts: paths are made before the daemon has an environment of its own.
        let of_paths = of_paths.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let pair =
            |(key, value): (&str, &str)| Node::map([("name", Node::text(key)), ("value", Node::text(&literal(value)))]);
        let all: Vec<_> = own.chain(given).chain(of_paths).collect();
        // Where a name stands twice, Kubernetes refuses the manifest, or warns.
        let is_last = |at: usize, key: &str| !all.iter().skip(at + 1).any(|(later, _)| *later == key);
        let last = all.iter().enumerate().filter(|(at, (key, _))| is_last(*at, key));
        let variables: Vec<_> = last.map(|(_, variable)| pair(*variable)).collect();
        (!variables.is_empty()).then_some(Node::List(variables))
    }
}

/// Whether the daemon is ready, first as long as a start may take, and then now and then; and whether it is there at all.
fn probes(ask: impl Fn(&[&str]) -> Node, start: Duration) -> Vec<(&'static str, Node)> {
    let probe = |words: &[&str], every: i64, failures: Node| {
        Node::map([
            ("exec", Node::map([("command", ask(words))])),
            ("periodSeconds", Node::Number(every)),
            // A machine that is busy may take its time.
            ("timeoutSeconds", Node::Number(5)),
            ("failureThreshold", failures),
        ])
    };
    let mut probes = Vec::new();
    // By its name alone, `status` can only be asked whether the daemon is there.
    if cfg!(feature = "cli") {
        let ready = ["status", "--ready"];
        if !start.is_zero() {
            // The first of them is at once.
            let starting = seconds(start.saturating_add(Duration::from_secs(1)), i64::from(i32::MAX));
            probes.push(("startupProbe", probe(&ready, 1, starting)));
        }
        probes.push(("readinessProbe", probe(&ready, 10, Node::Number(3))));
    }
    probes.push(("livenessProbe", probe(&["status"], 10, Node::Number(3))));
    probes
}

/// Whole seconds, rather more than less.
fn seconds(time: Duration, most: i64) -> Node {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    Node::Number(i64::try_from(whole).unwrap_or(most).min(most))
}

/// `$(NAME)` stands for a variable, unless there are two `$`.
fn literal(word: &str) -> String {
    word.replace('$', "$$")
}

/// The most that the name of a `CronJob` may have.
const LONGEST: usize = 52;

/// A name as Kubernetes takes them: letters, digits and dashes, with no dash at the ends.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).collect::<String>().trim_matches('-').chars().take(LONGEST).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "daemon".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
