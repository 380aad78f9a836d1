//! The daemon becomes who it was told to, wholly and for good; needs root, but for the refusals.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use nix::libc;
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgrouplist};

use crate::home::{Home, NOBODY as ORDINARY, Program, is_root};
use crate::settings::{Settings, WAYS, Way, before, seen, skip};

/// Accounts that every Linux has.
const NOBODY: &str = "nobody";
const DAEMON: &str = "daemon";

/// A number without an account.
const UNKNOWN: u32 = 424_242;

fn user(name: &str) -> User {
    User::from_name(name).expect("readable").expect("every Linux has it")
}

fn numbers(ids: impl IntoIterator<Item = u32>) -> Vec<String> {
    ids.into_iter().collect::<BTreeSet<_>>().iter().map(u32::to_string).collect()
}

/// The groups that an account is in, its own with them.
fn groups_of(user: &User) -> Vec<u32> {
    let name = std::ffi::CString::new(user.name.as_str()).expect("a name");
    getgrouplist(&name, user.gid).expect("readable").into_iter().map(Gid::as_raw).collect()
}

/// An account that is in other groups than its own, if this machine has one.
fn member_of_many() -> Option<User> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut names = accounts.lines().filter_map(|line| line.split(':').next());
    names.find_map(|name| {
        let user = User::from_name(name).ok()??;
        (!user.uid.is_root() && groups_of(&user).iter().any(|group| *group != user.gid.as_raw())).then_some(user)
    })
}

/// Root is in groups that a daemon must not take along.
fn by_a_member_of_many(program: Program) -> Program {
    before(program, || {
        let groups = [0, 1, 2, 3];
        // SAFETY: there are as many as it says.
        if unsafe { libc::setgroups(groups.len(), groups.as_ptr()) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    })
}

/// Whom a daemon becomes.
struct Whom<'a> {
    settings: Settings<'a>,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

#[track_caller]
fn assert_becomes(way: Way, whom: &Whom<'_>) {
    let home = Home::new();
    let living = way.begin(&home, by_a_member_of_many(way.program(&home, whom.settings)));
    let what = format!("{way:?} {:?}", whom.settings);
    // Real, effective, saved and that of the file system.
    assert_eq!(living.status("Uid"), vec![whom.uid.to_string(); 4], "{what}");
    assert_eq!(living.status("Gid"), vec![whom.gid.to_string(); 4], "{what}");
    let groups = living.status("Groups").iter().map(|group| group.parse().expect("a number")).collect::<Vec<u32>>();
    assert_eq!(numbers(groups), numbers(whom.groups.clone()), "{what}");
    if whom.uid != 0 {
        for set in ["CapEff", "CapPrm", "CapAmb"] {
            assert_eq!(living.status(set), ["0000000000000000"], "{what}: {set}");
        }
    }
    living.stop(&home, whom.settings);
}

#[test]
fn a_user_is_named_or_numbered_and_brings_his_own_groups() {
    if !is_root("a_user_is_named_or_numbered_and_brings_his_own_groups") {
        return;
    }
    let account = user(NOBODY);
    let (uid, gid, groups) = (account.uid.as_raw(), account.gid.as_raw(), groups_of(&account));
    let (text, number) = (uid.to_string(), format!("#{uid}"));
    for way in WAYS {
        for name in [NOBODY, &text, &number] {
            assert_becomes(way, &Whom { settings: &[("USER", name)], uid, gid, groups: groups.clone() });
        }
    }
}

#[test]
fn the_groups_that_the_user_is_in_are_the_daemons() {
    if !is_root("the_groups_that_the_user_is_in_are_the_daemons") {
        return;
    }
    let Some(account) = member_of_many() else {
        skip("the_groups_that_the_user_is_in_are_the_daemons", "no account here is in another group than its own");
        return;
    };
    for way in WAYS {
        let settings = &[("USER", account.name.as_str())];
        let (uid, gid, groups) = (account.uid.as_raw(), account.gid.as_raw(), groups_of(&account));
        assert_becomes(way, &Whom { settings, uid, gid, groups });
    }
}

#[test]
fn a_group_and_groups_take_the_place_of_the_users_own() {
    if !is_root("a_group_and_groups_take_the_place_of_the_users_own") {
        return;
    }
    let (nobody, daemon) = (user(NOBODY), Group::from_name(DAEMON).expect("readable").expect("every Linux has it"));
    let (uid, gid, other) = (nobody.uid.as_raw(), nobody.gid.as_raw(), daemon.gid.as_raw());
    let (text, number) = (other.to_string(), format!("#{other}"));
    for way in WAYS {
        for group in [DAEMON, &text, &number] {
            let settings = &[("USER", NOBODY), ("GROUP", group)];
            let mut groups = groups_of(&nobody);
            groups.retain(|group| *group != gid);
            groups.push(other);
            assert_becomes(way, &Whom { settings, uid, gid: other, groups });
        }
        let settings = &[("USER", NOBODY), ("GROUPS", "daemon,4343")];
        assert_becomes(way, &Whom { settings, uid, gid, groups: vec![other, 4343] });
        let settings = &[("USER", NOBODY), ("GROUP", "#4242"), ("GROUPS", "4343")];
        assert_becomes(way, &Whom { settings, uid, gid: 4242, groups: vec![4343] });
    }
}

#[test]
fn without_a_user_a_group_or_groups_are_all_that_changes_and_roots_groups_go() {
    if !is_root("without_a_user_a_group_or_groups_are_all_that_changes_and_roots_groups_go") {
        return;
    }
    for way in WAYS {
        assert_becomes(way, &Whom { settings: &[("GROUP", "#4242")], uid: 0, gid: 4242, groups: vec![4242] });
        assert_becomes(way, &Whom { settings: &[("GROUPS", "4343")], uid: 0, gid: 0, groups: vec![4343] });
    }
}

#[test]
fn a_number_without_an_entry_is_taken_with_a_group_and_refused_without() {
    if !is_root("a_number_without_an_entry_is_taken_with_a_group_and_refused_without") {
        return;
    }
    assert!(User::from_uid(Uid::from_raw(UNKNOWN)).expect("readable").is_none());
    let why = "this number has no entry in passwd(5), so its group is not known: give `group` too";
    for way in WAYS {
        for user in ["424242", "#424242"] {
            let settings = &[("USER", user), ("GROUP", "4242")];
            assert_becomes(way, &Whom { settings, uid: UNKNOWN, gid: 4242, groups: vec![4242] });
            way.refuses(&Home::new(), &[("USER", user)], 1, &format!("`user = 424242` cannot be: {why}"));
        }
    }
}

#[test]
fn the_variables_of_the_user_follow() {
    if !is_root("the_variables_of_the_user_follow") {
        return;
    }
    let daemon = user(DAEMON);
    let dir = daemon.dir.to_str().expect("text");
    for way in WAYS {
        for (settings, expected) in [
            (&[("USER", DAEMON)][..], [dir, DAEMON, DAEMON]),
            // As login(1) has it for who has no home.
            (&[("USER", "424242"), ("GROUP", "4242")], ["/", "424242", "424242"]),
            (&[("GROUP", "4242")], ["launchers", "launchers", "launchers"]),
        ] {
            let home = Home::new();
            let program = ["HOME", "USER", "LOGNAME"]
                .into_iter()
                .fold(way.program(&home, settings), |program, key| program.set(key, "launchers"));
            let living = way.begin(&home, program);
            let seen = seen(&home, "worker");
            assert_eq!([&seen["home"], &seen["user"], &seen["logname"]], expected, "{way:?} {settings:?}");
            living.stop(&home, settings);
        }
    }
}

#[test]
fn root_cannot_be_taken_back() {
    if !is_root("root_cannot_be_taken_back") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let settings = &[("USER", NOBODY), ("ROLE", "takes-root-back")];
        let living = way.start(&home, settings);
        for call in ["setuid", "setresuid", "setgid", "setresgid", "setgroups"] {
            assert!(home.lines("notes").contains(&format!("{call}: Err(EPERM)")), "{way:?}: {}", home.read("notes"));
        }
        assert_eq!(seen(&home, "then"), seen(&home, "worker"), "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn a_start_in_which_root_could_be_taken_back_is_refused() {
    if !is_root("a_start_in_which_root_could_be_taken_back_is_refused") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let keeps_capabilities = before(way.program(&home, &[("USER", NOBODY)]), || {
            const NO_SETUID_FIXUP: libc::c_ulong = 4;
            // SAFETY: it sets flags of this process, and takes no pointer.
            if unsafe { libc::prctl(libc::PR_SET_SECUREBITS, NO_SETUID_FIXUP) } == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        });
        let told = keeps_capabilities.run(way.words());
        told.assert(1, way.failed(), "error: cannot become user nobody: the privileges of root could be taken back\n");
        home.assert_nothing_left();
    }
}

#[test]
fn who_does_not_exist_is_told_in_the_launcher_and_nothing_is_left() {
    let user = "there is no such user; `getent passwd` lists those there are";
    let group = "there is no such group; `getent group` lists those there are";
    let no = "no-such-account";
    for way in WAYS {
        for (key, word, why) in [("USER", "user", user), ("GROUP", "group", group), ("GROUPS", "groups", group)] {
            let error = format!("`{word} = \"{no}\"` cannot be: {why}");
            way.refuses(&Home::new(), &[(key, no), ("BEFORE", "detach:called")], 1, &error);
        }
        way.refuses(&Home::new(), &[("USER", "")], 1, "`user = \"\"` cannot be: an account has a name or a number");
    }
}

/// The program as an ordinary user runs it.
fn as_ordinary(home: &Home, program: Program) -> Program {
    if geteuid().is_root() { home.as_nobody(program) } else { program }
}

#[test]
fn an_ordinary_user_cannot_become_another_and_is_told_so_with_4() {
    let daemon = user(DAEMON);
    let another_user = format!("cannot become user daemon (uid {}, gid {})", daemon.uid, daemon.gid);
    let rows = [
        (&[("USER", DAEMON)][..], another_user.as_str()),
        (&[("USER", "424242"), ("GROUP", "4242")], "cannot become user 424242 (uid 424242, gid 4242)"),
        (&[("GROUP", "4242")], "cannot become gid 4242"),
    ];
    for way in WAYS {
        for (settings, error) in rows {
            let home = Home::new();
            let told = as_ordinary(&home, way.program(&home, settings)).run(way.words());
            told.assert(4, way.failed(), &format!("error: {error}: Operation not permitted\n"));
            home.assert_nothing_left();
        }
    }
}

#[test]
fn an_ordinary_user_may_ask_for_himself() {
    let root = geteuid().is_root();
    let (uid, gid) = if root { (ORDINARY, ORDINARY) } else { (geteuid().as_raw(), getegid().as_raw()) };
    let (user, group) = (format!("#{uid}"), format!("#{gid}"));
    for way in WAYS {
        let home = Home::new();
        std::os::unix::fs::chown(home.path("run"), Some(uid), Some(gid)).expect("it is ours");
        fs::write(home.path("notes"), "").expect("written");
        std::os::unix::fs::chown(home.path("notes"), Some(uid), Some(gid)).expect("it is ours");
        let settings = &[("USER", user.as_str()), ("GROUP", &group)];
        let living = way.begin(&home, as_ordinary(&home, way.program(&home, settings)));
        assert_eq!(living.status("Uid"), vec![uid.to_string(); 4]);
        living.end(&home);
    }
}
