//! Whom the container's process is begun as, and where it then can have its pidfile.

use std::path::Path;

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
    /// Why it is begun as the image's user, if that is so though another is named.
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
        let (volume, variable) = if is_root { (None, None) } else { place(subject, name) };
        Ok(Self { security: Some(Node::map(security)), volume, variable, remark: None })
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

/// Where the pidfile can be: in the folder that was named for it, else below one of its own.
fn place(subject: &Subject<'_>, name: &str) -> (Option<Volume>, Option<(&'static str, String)>) {
    let is_named = subject.spec.pidfile.is_some() || subject.spec.prefix.is_some();
    if !is_named {
        let path = format!("/run/{name}");
        let below = format!("{path}/state");
        return (Some(Volume { name: "run", path }), Some(("XDG_STATE_HOME", below)));
    }
    // Those of several instances are made by them, in one that they share.
    let is_one = |folder: &&str| !subject.is_template() || !folder.contains(NUMBER);
    let folder = subject.plan.pidfile.ancestors().skip(1).filter_map(Path::to_str).find(is_one);
    // One that has a colon cannot be mounted to.
    let path = folder.filter(|folder| *folder != "/" && !folder.contains(':')).map(str::to_owned);
    (path.map(|path| Volume { name: "run", path }), None)
}
