//! Who the daemon becomes: looked up in the launcher, assumed in the daemon; credentials(7).

use std::ffi::{CString, OsString};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{
    Gid, Group, Uid, User, getegid, geteuid, getgrouplist, getgroups, getresgid, getresuid, setgroups, setresgid,
    setresuid,
};

use crate::error::Error;
use crate::folder::Owner;
use crate::spec::account::Account;
use crate::spec::plan::Plan;
use crate::sys::capability;

/// The capabilities that let a process become somebody else: `CAP_SETGID` and `CAP_SETUID`, capabilities(7).
const CAN_BECOME: u32 = 1 << 6 | 1 << 7;

/// Whom the daemon becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    /// Of the user, where one was asked for.
    login: Option<Login>,
}

/// What the user's environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Login {
    name: OsString,
    home: OsString,
}

impl Identity {
    /// Looks up whom the plan names, and refuses early what could not be done later; nothing where nobody is named.
    pub(super) fn look_up(plan: &Plan) -> Result<Option<Self>, Error> {
        let Some(mut identity) = Self::named(plan)? else { return Ok(None) };
        if identity.is_assumed() || may_become() {
            return Ok(Some(identity));
        }
        if plan.groups.is_none() {
            // Who cannot change the groups has no more of them than it was given, as it should be.
            identity.groups = getgroups().unwrap_or_default();
        }
        if !identity.is_assumed() {
            let (account, source) = (identity.told(), Errno::EPERM.into());
            return Err(Error::Privileges { account, source });
        }
        Ok(Some(identity))
    }

    /// Whom the plan names; nothing where it names nobody.
    pub(crate) fn named(plan: &Plan) -> Result<Option<Self>, Error> {
        if !plan.names_account() {
            return Ok(None);
        }
        let user = plan.user.as_ref().map(find_user).transpose()?;
        let group = plan.group.as_ref().map(|group| find_group("group", group)).transpose()?;
        Ok(Some(Self {
            uid: user.as_ref().map_or_else(geteuid, |user| user.uid),
            gid: gid(user.as_ref(), group)?,
            groups: groups(plan, user.as_ref(), group)?,
            login: user.map(|user| Login { name: user.name, home: user.home }),
        }))
    }

    /// The user's number, the group's, and those of the supplementary groups.
    pub(crate) fn numbers(&self) -> (u32, u32, Vec<u32>) {
        (self.uid.as_raw(), self.gid.as_raw(), self.groups.iter().map(|group| group.as_raw()).collect())
    }

    /// Who owns what the launcher makes for the daemon.
    pub(super) fn owner(&self) -> Owner {
        (self.uid != geteuid() || self.gid != getegid()).then(|| (self.uid.as_raw(), self.gid.as_raw()))
    }

    /// The variables that follow the user.
    pub(super) fn variables(&self) -> Vec<(OsString, OsString)> {
        let variable = |key: &str, value: &OsString| (OsString::from(key), value.clone());
        self.login
            .iter()
            .flat_map(|Login { name, home }| {
                [variable("HOME", home), variable("USER", name), variable("LOGNAME", name)]
            })
            .collect()
    }

    /// Who it is, for a person.
    pub(super) fn told(&self) -> String {
        let name =
            |login: &Login| format!("user {} (uid {}, gid {})", login.name.to_string_lossy(), self.uid, self.gid);
        self.login.as_ref().map_or_else(|| format!("gid {}", self.gid), name)
    }

    /// Becomes it: the groups while they can still be changed, the user last, and all three of real, effective and saved, so
    /// that there is no way back.
    pub(super) fn assume(&self) -> io::Result<()> {
        if self.is_assumed() {
            return Ok(());
        }
        setgroups(&self.groups)?;
        setresgid(self.gid, self.gid, self.gid)?;
        setresuid(self.uid, self.uid, self.uid)?;
        if !self.uid.is_root() {
            // The one set that the kernel leaves to who gives up root.
            capability::drop_inheritable()?;
        }
        self.verify()
    }

    // What the calls said is not enough: under some security settings a process keeps what it gave away.
    fn verify(&self) -> io::Result<()> {
        if !self.is_assumed() {
            return Err(io::Error::other("the kernel said yes, but the process still is somebody else"));
        }
        if self.uid.is_root() {
            return Ok(());
        }
        let root = Uid::from_raw(0);
        if setresuid(root, root, root).is_ok() {
            return Err(io::Error::other("the privileges of root could be taken back"));
        }
        let group = Gid::from_raw(0);
        if self.gid != group && setresgid(group, group, group).is_ok() {
            return Err(io::Error::other("the group of root could be taken back"));
        }
        Ok(())
    }

    fn is_assumed(&self) -> bool {
        let (Ok(uid), Ok(gid), Ok(mut has)) = (getresuid(), getresgid(), getgroups()) else { return false };
        let mut wanted = self.groups.clone();
        // A process may or may not list its own group among the supplementary ones.
        for list in [&mut has, &mut wanted] {
            list.retain(|group| *group != self.gid);
            list.sort_by_key(|group| group.as_raw());
            list.dedup();
        }
        [uid.real, uid.effective, uid.saved] == [self.uid; 3]
            && [gid.real, gid.effective, gid.saved] == [self.gid; 3]
            && has == wanted
    }
}

/// The user that a daemon of this plan is, where it becomes another than who asks.
pub(crate) fn user_of(plan: &Plan) -> Option<u32> {
    let uid = find_user(plan.user.as_ref()?).ok()?.uid;
    (uid != geteuid()).then(|| uid.as_raw())
}

/// A user, also one that has only a number.
struct Found {
    uid: Uid,
    gid: Option<Gid>,
    name: OsString,
    home: OsString,
}

fn find_user(account: &Account) -> Result<Found, Error> {
    let by_name = |name: &str| User::from_name(name).map_err(|e| unreadable("user", account, e));
    let by_number = |number| User::from_uid(Uid::from_raw(number)).map_err(|e| unreadable("user", account, e));
    let (user, number) = match account {
        Account::Number(number) => (by_number(*number)?, Some(*number)),
        Account::Name(name) => match (by_name(name)?, number(name)) {
            (Some(user), _) => (Some(user), None),
            (None, Some(number)) => (by_number(number)?, Some(number)),
            (None, None) => (None, None),
        },
    };
    match (user, number) {
        (Some(user), _) => {
            Ok(Found { uid: user.uid, gid: Some(user.gid), name: user.name.into(), home: user.dir.into() })
        }
        // As login(1) has it for who has no home.
        (None, Some(number)) => Ok(Found {
            uid: Uid::from_raw(number),
            gid: None,
            name: number.to_string().into(),
            home: Path::new("/").into(),
        }),
        (None, None) => Err(refuse("user", account, "there is no such user; `getent passwd` lists those there are")),
    }
}

fn find_group(key: &'static str, account: &Account) -> Result<Gid, Error> {
    let by_name = |name: &str| Group::from_name(name).map_err(|e| unreadable(key, account, e));
    match account {
        Account::Number(number) => Ok(Gid::from_raw(*number)),
        Account::Name(name) => match (by_name(name)?, number(name)) {
            (Some(group), _) => Ok(group.gid),
            (None, Some(number)) => Ok(Gid::from_raw(number)),
            (None, None) => Err(refuse(key, account, "there is no such group; `getent group` lists those there are")),
        },
    }
}

fn gid(user: Option<&Found>, group: Option<Gid>) -> Result<Gid, Error> {
    match (group, user) {
        (Some(gid), _) => Ok(gid),
        (None, None) => Ok(getegid()),
        (None, Some(user)) => user.gid.ok_or_else(|| Error::Setting {
            key: "user",
            value: user.name.to_string_lossy().into_owned(),
            reason: "this number has no entry in passwd(5), so its group is not known: give `group` too".to_owned(),
        }),
    }
}

/// Those that were asked for, else the user's own, else none: in no case those of whoever started the daemon.
fn groups(plan: &Plan, user: Option<&Found>, group: Option<Gid>) -> Result<Vec<Gid>, Error> {
    if let Some(groups) = &plan.groups {
        return groups.iter().map(|group| find_group("groups", group)).collect();
    }
    let Some(user) = user else { return Ok(group.into_iter().collect()) };
    let own = gid(Some(user), group)?;
    let name = CString::new(user.name.as_encoded_bytes());
    match name.ok().map(|name| getgrouplist(&name, own)) {
        Some(Ok(groups)) => Ok(groups),
        Some(Err(e)) => Err(Error::Privileges { account: user.name.to_string_lossy().into_owned(), source: e.into() }),
        None => Ok(vec![own]),
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != u32::MAX)
}

// Where a sandbox keeps the question away, the attempt tells.
fn may_become() -> bool {
    geteuid().is_root() || capability::effective().map_or(true, |effective| effective & CAN_BECOME == CAN_BECOME)
}

fn refuse(key: &'static str, account: &Account, reason: &str) -> Error {
    Error::Setting { key, value: format!("\"{account}\""), reason: reason.to_owned() }
}

fn unreadable(key: &'static str, account: &Account, errno: Errno) -> Error {
    refuse(key, account, &format!("the accounts cannot be read: {}", crate::error::words(&errno.into())))
}
