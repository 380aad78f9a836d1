//! The members of a session, by the process tree: whom a process has for children, /proc says too, so that the price does
//! not depend on how many other processes there are.
//!
//! Who is in a session was forked by one who was in it at the time. When a process dies, its children go to the nearest of its
//! ancestors that adopts orphans (`PR_SET_CHILD_SUBREAPER`), else to the init of its pid namespace. So above each member stand
//! only such as have been in the session themselves, up to an ancestor of its leader; and since the daemon, and the leader
//! while it lives, stand below such ancestors too, all members are descendants of these two, or are children of their
//! ancestors, or descend from those. Of all children of an ancestor only those are followed who are members now, and of its
//! threads only the one is asked that is given the orphans. So missed are
//!
//! - what was forked by one who then left the session, by setsid(2), and was left behind himself;
//! - what was left behind in a pid namespace that a member has entered, by setns(2), and not made;
//! - what is an ancestor's by `CLONE_PARENT`, and not of its first thread; and what one has adopted that adopts nobody any
//!   more, and that has lost the daemon since.
//!
//! Good enough for sums, and not for whoever is to miss nobody. Where the tree cannot be asked there is no answer: /proc may
//! lack the lists (`CONFIG_PROC_CHILDREN`), or hide an ancestor.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::{Stat, is_of, stat};
use crate::sys::again::again;
use crate::sys::proc_file;

/// Who adopts whom nobody else does.
const INIT: i32 = 1;

/// The members of the daemon's session, the daemon first.
pub(super) fn members(daemon: &Stat) -> Option<Vec<Stat>> {
    let session = daemon.session;
    if session <= 0 {
        // Of all whose leader stands outside of our pid namespace.
        return None;
    }
    let mut family = Family::default();
    let mut above = Vec::new();
    climb(daemon, &mut above)?;
    family.add(*daemon);
    // While there is somebody in the session, its number means nobody else.
    if session != daemon.pid && is_of(session, session) {
        let leader = stat(session).ok()?;
        climb(&leader, &mut above)?;
        family.add(leader);
    }
    family.descend();
    // Later than the descendants: whoever has lost his parent meanwhile is here now.
    for ancestor in above {
        adopted(&ancestor)
            .ok()?
            .into_iter()
            .filter(|child| is_of(*child, session))
            .for_each(|child| family.look_at(child));
    }
    family.descend();
    Some(family.kin.into_iter().filter(|stat| stat.session == session).collect())
}

/// Adds those above the process, from its parent to init, as far as they are not there yet.
fn climb(process: &Stat, above: &mut Vec<Stat>) -> Option<()> {
    let mut next = process.ppid;
    loop {
        // 0 is who stands outside of our pid namespace; those whom it leaves behind go to init all the same.
        let pid = next.max(INIT);
        if above.iter().any(|known| known.pid == pid) {
            return Some(());
        }
        let parent = stat(pid).ok()?;
        next = parent.ppid;
        above.push(parent);
    }
}

/// Those that are known to be of the session, or to descend from one who is.
#[derive(Default)]
struct Family {
    known: BTreeSet<i32>,
    kin: Vec<Stat>,
    /// How many of them have been asked for their children.
    asked: usize,
}

impl Family {
    fn add(&mut self, stat: Stat) {
        if self.known.insert(stat.pid) {
            self.kin.push(stat);
        }
    }

    /// Adds the process, if it is still there and not hidden from us.
    fn look_at(&mut self, pid: i32) {
        if self.known.contains(&pid) {
            return;
        }
        if let Ok(stat) = stat(pid) {
            self.add(stat);
        }
    }

    fn descend(&mut self) {
        while let Some(parent) = self.kin.get(self.asked) {
            // Who has ended meanwhile has none any more.
            let children = children(parent).unwrap_or_default();
            self.asked += 1;
            for child in children {
                self.look_at(child);
            }
        }
    }
}

/// The children of the process that are its own or that it has adopted: they are of its first thread, unless that has ended.
fn adopted(process: &Stat) -> io::Result<Vec<i32>> {
    match process.state {
        'Z' | 'X' => children(process),
        _ => children_of(process.pid, &process.pid.to_string()),
    }
}

/// The children of all threads of the process.
pub(super) fn children(process: &Stat) -> io::Result<Vec<i32>> {
    let first = process.pid.to_string();
    let mut children = children_of(process.pid, &first)?;
    if process.num_threads > 1 {
        let threads = again(|| fs::read_dir(format!("/proc/{first}/task")))?.map(|entry| Ok(entry?.file_name()));
        for thread in threads.collect::<io::Result<Vec<_>>>()? {
            let thread = thread.to_str().filter(|thread| **thread != *first);
            match thread.map(|thread| children_of(process.pid, thread)) {
                // It has ended since it was listed; another of them has its children now.
                Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
                theirs => children.extend(theirs.transpose()?.unwrap_or_default()),
            }
        }
    }
    Ok(children)
}

fn children_of(pid: i32, thread: &str) -> io::Result<Vec<i32>> {
    let told = proc_file::records(&format!("/proc/{pid}/task/{thread}/children"))?;
    Ok(String::from_utf8_lossy(&told).split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// A shell that leads a session of its own. Whoever is begun there ends by himself with it: all read what it holds open.
    struct Shell(Child);

    impl Shell {
        fn leads(script: &str) -> Self {
            let mut shell = Command::new("setsid");
            shell.args(["sh", "-c", &format!("exec 3<&0; {script}")]).stdin(Stdio::piped());
            Self(shell.spawn().expect("a shell"))
        }

        fn session(&self) -> i32 {
            i32::try_from(self.0.id()).expect("a pid")
        }

        /// All members as a walk through all processes finds them, as soon as there are so many.
        #[track_caller]
        fn members(&self, count: usize) -> Vec<i32> {
            let begun = Instant::now();
            loop {
                let members = super::super::members(self.session()).expect("/proc");
                // A subshell is gone when it has begun its program.
                let settled = members.iter().all(|member| is_cat(member.pid));
                if members.len() == count && settled {
                    return sorted(members);
                }
                assert!(begun.elapsed() < Duration::from_secs(30), "{members:?}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            let _ = self.0.wait();
        }
    }

    fn is_cat(pid: i32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "cat\n")
    }

    fn sorted(members: Vec<Stat>) -> Vec<i32> {
        let mut pids: Vec<_> = members.into_iter().map(|member| member.pid).collect();
        pids.sort_unstable();
        pids
    }

    #[track_caller]
    fn assert_same_from_each(all: &[i32]) {
        for pid in all {
            let daemon = stat(*pid).expect("it is there");
            assert_eq!(members(&daemon).map(sorted).as_deref(), Some(all), "from {pid}");
        }
    }

    // A child, an orphan, and one that has left the session.
    const CROWD: &str = "cat <&3 & (cat <&3 &); setsid cat <&3 &";

    #[test]
    #[cfg_attr(miri, ignore = "needs processes")]
    fn the_tree_shows_whom_a_walk_through_all_processes_finds() {
        let shell = Shell::leads(&format!("{CROWD} exec cat"));
        assert_same_from_each(&shell.members(3));
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs processes")]
    fn a_session_is_found_also_without_its_leader() {
        let mut shell = Shell::leads(CROWD);
        // `wait` would close its stdin, which all the others read.
        while shell.0.try_wait().expect("our child").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_same_from_each(&shell.members(2));
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs processes")]
    fn a_child_is_its_parents_whichever_thread_has_forked_it() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("a child");
            tell.send(i32::try_from(child.id()).expect("a pid")).expect("heard");
            let _ = wait.recv();
            drop(child.stdin.take());
            child.wait()
        });
        let child = told.recv().expect("told");
        let me = stat(i32::try_from(std::process::id()).expect("a pid")).expect("me");
        assert!(children(&me).expect("told").contains(&child));
        drop(done);
        assert!(thread.join().expect("joined").is_ok());
    }
}
