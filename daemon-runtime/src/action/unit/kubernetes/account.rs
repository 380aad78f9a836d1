//! Whom the container's process is begun as, and where it then can have its pidfile.

use std::path::{Component, Path};

use super::yaml::Node;
use crate::action::unit::Subject;
use crate::error::Error;
use crate::process::privileges::Identity;
use crate::spec::hook::When;
use crate::spec::plan::NUMBER;
use crate::spec::stage::Stage;

/// An empty folder, which is the container's as long as it lives.
pub(super) struct Volume {
    pub(super) name: &'static str,
    pub(super) path: String,
}

/// Whom the process is begun as.
#[derive(Default)]
pub(super) struct Account {
    /// Numbers: the container has names of its own.
    pub(super) security: Option<Node>,
    /// For the pidfile, where the account could not write to the folder of it.
    pub(super) volume: Option<Volume>,
    /// By which a pidfile that nobody has named gets there.
    pub(super) variable: Option<(&'static str, String)>,
    /// Why it is begun as the image's user, if that is so though another is named; or what the image must have for its pidfile.
    pub(super) remark: Option<String>,
}

impl Account {
    pub(super) fn of(subject: &Subject<'_>, name: &str) -> Result<Self, Error> {
        let Some(identity) = Identity::named(&subject.plan)? else { return Ok(Self::default()) };
        if let Some(why) = needs_root(subject) {
            let remark = format!(
                "No securityContext: {why} may need root, and the daemon becomes {} by itself.",
                subject.plan.account()
            );
            return Ok(Self { remark: Some(remark), ..Self::default() });
        }
        let (user, group, groups) = identity.numbers();
        let mut security = Vec::new();
        if subject.plan.user.is_some() {
            security.push(("runAsUser", Node::Number(user.into())));
        }
        security.push(("runAsGroup", Node::Number(group.into())));
        let others: Vec<_> =
            groups.into_iter().filter(|other| *other != group).map(|group| Node::Number(group.into())).collect();
        if !others.is_empty() {
            security.push(("supplementalGroups", Node::List(others)));
        }
        let is_root = subject.plan.user.is_none() || user == 0;
        let place = if is_root { Place::default() } else { place(subject, name) };
        Ok(Self {
            security: Some(Node::map(security)),
            volume: place.volume,
            variable: place.variable,
            remark: place.remark,
        })
    }
}

/// What still needs root when the process is begun, if anything.
fn needs_root(subject: &Subject<'_>) -> Option<String> {
    if subject.plan.chroot.is_some() {
        return Some("`chroot`".to_owned());
    }
    // In the foreground there are no others before the daemon becomes the user.
    let is_early = |when: When, stage: Stage| match stage {
        Stage::CoreDumps | Stage::Chroot => true,
        stage => stage == Stage::Privileges && when == When::Before,
    };
    let hook = subject.spec.hooks.iter().find(|(when, stage, _)| is_early(*when, *stage));
    hook.map(|(when, stage, _)| format!("the hook `{when}({})`", stage.word()))
}

/// Where the pidfile is.
#[derive(Default)]
struct Place {
    volume: Option<Volume>,
    variable: Option<(&'static str, String)>,
    remark: Option<String>,
}

/// What holds nothing but what was made since the begin, so that something can be mounted below.
const FLEETING: [&str; 3] = ["/run", "/var/run", "/tmp"];

/// Where the pidfile can be: in the folder that was named for it, else below one of its own.
fn place(subject: &Subject<'_>, name: &str) -> Place {
    let is_named = subject.spec.pidfile.is_some() || subject.spec.prefix.is_some();
    if !is_named {
        let path = format!("/run/{name}");
        let variable = Some(("XDG_STATE_HOME", format!("{path}/state")));
        return Place { volume: Some(Volume { name: "run", path }), variable, remark: None };
    }
    // Those of several instances are made by them, in one that they share.
    let is_one = |folder: &&Path| !subject.is_template() || !folder.to_string_lossy().contains(NUMBER);
    let folder = subject.plan.pidfile.ancestors().skip(1).find(is_one).unwrap_or(Path::new("/"));
    match folder.to_str().filter(|path| is_mountable(Path::new(path))) {
        Some(path) => Place { volume: Some(Volume { name: "run", path: path.to_owned() }), ..Place::default() },
        None => Place { remark: Some(wanted(subject, folder)), ..Place::default() },
    }
}

/// Whether nothing is hidden by what is mounted there. One that has a colon cannot be mounted to.
fn is_mountable(folder: &Path) -> bool {
    let is_plain = folder.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let is_below = |root: &&str| folder.starts_with(root) && folder != Path::new(root);
    is_plain && FLEETING.iter().any(is_below) && !folder.to_string_lossy().contains(':')
}

/// What the image must have where nothing is mounted.
fn wanted(subject: &Subject<'_>, folder: &Path) -> String {
    let account = subject.plan.account();
    let folder = folder.display().to_string();
    format!(
        "No volume for the pidfile: the image must have {folder}, and {account} be able to write there; or name a pidfile in a \
         folder below /run, /var/run or /tmp."
    )
    .replace(char::is_control, "?")
}
