//! Whether a run has kept the promises: the truth was told, whole work or none was done, and all goes on from there.

use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::call::Place;
use crate::fault::Fault;
use crate::harmless;
use crate::home::Told;
use crate::mode::Verb;
use crate::portrait::{Portrait, difference, portrait};
use crate::scene::{Scene, Shown};

/// How long what is on its way may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a run without a fault looked like.
pub struct Model {
    pub told: Told,
    pub portrait: Option<Portrait>,
}

impl Model {
    pub fn of(scene: &Scene, shown: &Shown) -> Result<Self, String> {
        let told = Told { code: shown.told.code, stdout: shown.told.stdout.clone(), stderr: shown.told.stderr.clone() };
        let pid = daemons(scene).first().copied();
        let portrait = pid.map(|pid| portrait(&scene.home, pid));
        settle(scene)?;
        Ok(Self { told, portrait })
    }
}

/// What is wrong with what came of a fault, if anything is. Everything is ended by the very commands that must still work.
pub fn judge(scene: &Scene, model: &Model, place: &Place, fault: Fault, shown: &Shown) -> Result<(), String> {
    answer(scene, model, place, fault, shown).and_then(|()| truth(scene)).and_then(|()| settle(scene))
}

/// What is wrong with what was answered, and with what was done by then.
pub fn answer(scene: &Scene, model: &Model, place: &Place, fault: Fault, shown: &Shown) -> Result<(), String> {
    if shown.hung {
        return Err("it hangs".to_owned());
    }
    match fault {
        Fault::Error(Errno::EINTR) if harmless::is_known(place, Errno::EINTR, shown) => nothing_is_left(scene),
        Fault::Error(Errno::EINTR) | Fault::Short => whole(scene, model, shown),
        Fault::Error(errno) => whole_or_told(scene, model, place, errno, shown),
        Fault::Kill | Fault::KillAll => Ok(()),
        Fault::Delay if scene.verb == Verb::Start => one_has_made_it(scene, shown),
        Fault::Delay if scene.verb == Verb::Stop => says_so(model, shown).and_then(|()| rivals_have_started(shown)),
        Fault::Delay => whole(scene, model, shown).and_then(|()| rivals_have_started(shown)),
    }
}

fn whole_or_told(scene: &Scene, model: &Model, place: &Place, errno: Errno, shown: &Shown) -> Result<(), String> {
    let told = &shown.told;
    // What `status` cannot tell stands in its line.
    let is_told = [&told.stderr, &told.stdout].into_iter().any(|text| text.contains(&words(errno)))
        || harmless::is_known(place, errno, shown);
    if scene.verb == Verb::Reload && told.code == 0 && !is_told {
        // The signal was sent; what the daemon cannot do then, its log tells.
        return whole(scene, model, shown)
            .or_else(|found| reload_is_told(scene, place, errno, shown).map_err(|more| found + "; " + &more));
    }
    if told.code == model.told.code {
        let is_said = says_so(model, shown).or_else(|found| if is_told { Ok(()) } else { Err(found) });
        // What the daemon that ends could not do, its log tells.
        let is_logged = place.who.starts_with("old") && scene.home.read("log").contains(&words(errno));
        let is_done = done(scene, model, shown).or_else(|found| if is_logged { Ok(()) } else { Err(found) });
        return is_said.and(is_done);
    }
    if told.code == 0 {
        return Err("the exit code tells of nothing".to_owned());
    }
    if !is_told {
        return Err(format!("the terminal does not say {:?}", words(errno)));
    }
    match (scene.verb, told.code) {
        // It has panicked on the way, so that nobody could clear away what names nobody.
        (Verb::Start, 101) if shown.told.stderr.contains("panicked") => {
            nothing_but(scene, &["actor.pid.claim", "actor.pid.new"])
        }
        (Verb::Start, _) => nothing_is_left(scene),
        _ => Ok(()),
    }
}

/// The daemon goes on as it was, or it has ended in order; in both cases its log says why.
fn reload_is_told(scene: &Scene, place: &Place, errno: Errno, shown: &Shown) -> Result<(), String> {
    let log = scene.home.read("log");
    if !log.contains(&words(errno)) && !harmless::explains(place, errno, &log) {
        return Err(format!("the log does not say {:?}: {log}", words(errno)));
    }
    match daemons(scene).as_slice() {
        [pid] if Some(*pid) == shown.before => Ok(()),
        // A thread of the standard library's that cannot begin aborts the process, which then clears nothing away.
        [] if log.contains("panicked at") => Ok(()),
        _ => nothing_is_left(scene),
    }
}

/// The action has done its whole work, and says so.
fn whole(scene: &Scene, model: &Model, shown: &Shown) -> Result<(), String> {
    says_so(model, shown)?;
    done(scene, model, shown)
}

fn says_so(model: &Model, shown: &Shown) -> Result<(), String> {
    let (told, expected) = (&shown.told, &model.told);
    if told.code != expected.code || !alike(&told.stdout, &expected.stdout) || !alike(&told.stderr, &expected.stderr) {
        return Err("it does not say what it says without the fault".to_owned());
    }
    Ok(())
}

fn done(scene: &Scene, model: &Model, shown: &Shown) -> Result<(), String> {
    let Some(whole) = &model.portrait else { return nothing_is_left(scene) };
    let pid = the_daemon(scene)?;
    if shown.before.is_some_and(|before| (before == pid) == (scene.verb == Verb::Restart)) {
        return Err(format!("the daemon is {pid}, and was {:?}", shown.before));
    }
    looks_like(scene, pid, whole)
}

fn looks_like(scene: &Scene, pid: i32, whole: &Portrait) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let differs = difference(whole, &portrait(&scene.home, pid));
        if differs.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(2) {
            return Err(differs.join("; "));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Numbers differ from run to run, and of ticks also the words for how long.
fn alike(one: &str, other: &str) -> bool {
    let of_line = |line: &str| {
        let line = line.split_once(" at ").or_else(|| line.split_once(" in ")).map_or(line, |(before, _)| before);
        line.replace(|c: char| c.is_ascii_digit(), "")
    };
    let blank = |text: &str| text.lines().map(of_line).collect::<Vec<_>>();
    blank(one) == blank(other)
}

/// Of those who started it at the same time one has made the daemon, and all others were told of it.
fn one_has_made_it(scene: &Scene, shown: &Shown) -> Result<(), String> {
    let pid = the_daemon(scene)?;
    let made = (0, format!("Starting actor ... OK (pid {pid})\n"), String::new());
    let found = (0, String::new(), format!("warning: actor is already running with pid {pid}\n"));
    let mut answers: Vec<_> = shown.rivals.iter().chain([&shown.told]).map(answered).collect();
    let of_all = answers.len();
    answers.retain(|answer| *answer != found);
    let is_true = answers == [made] && of_all > 1;
    if is_true {
        Ok(())
    } else {
        Err(format!("of {of_all} starts of {pid} these were answered otherwise: {answers:?}"))
    }
}

fn answered(told: &Told) -> (i32, String, String) {
    (told.code, told.stdout.clone(), told.stderr.clone())
}

/// Whether a start in the meantime comes before or after the daemon has gone, is open; but it works.
fn rivals_have_started(shown: &Shown) -> Result<(), String> {
    match shown.rivals.iter().find(|rival| rival.code != 0) {
        Some(rival) => Err(format!("a rival was told {rival:?}")),
        None => Ok(()),
    }
}

/// `status` says what is.
fn truth(scene: &Scene) -> Result<(), String> {
    let told = scene.subject().run(&["status"]);
    let pids = daemons(scene);
    let is_true = match pids.as_slice() {
        [] => matches!(told.code, 1 | 3) && told.stdout.contains("not running"),
        [pid] => told.code == 0 && told.stdout.contains(&format!("-- pid: {pid}, status: running")),
        _ => return Err(format!("several daemons: {pids:?}")),
    };
    if is_true { Ok(()) } else { Err(format!("status of {pids:?} says {told:?}")) }
}

/// After whatever has happened, one `start` and one `stop` work, and leave nothing.
fn settle(scene: &Scene) -> Result<(), String> {
    for verb in ["start", "stop"] {
        let told = scene.subject().run(&[verb]);
        if told.code != 0 {
            return Err(format!("after it {verb} says {told:?}"));
        }
        if verb == "start" {
            the_daemon(scene)?;
        }
    }
    nothing_is_left(scene)
}

fn the_daemon(scene: &Scene) -> Result<i32, String> {
    match daemons(scene).as_slice() {
        [pid] => Ok(*pid),
        other => Err(format!("the daemons are {other:?}")),
    }
}

/// The processes of this scene that are left, once those that are on their way out are gone.
fn daemons(scene: &Scene) -> Vec<i32> {
    let begun = Instant::now();
    let mut left = scene.home.processes();
    // One daemon is what is expected most often.
    while left.len() > 1 && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(2));
        left = scene.home.processes();
    }
    left
}

fn nothing_is_left(scene: &Scene) -> Result<(), String> {
    nothing_but(scene, &[])
}

/// Nothing is left but files of these names, which name nobody.
fn nothing_but(scene: &Scene, files: &[&str]) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        // The processes first: where there are none any more, the files stay as they are.
        let processes = scene.home.processes();
        let (names, pidfile) = (scene.home.run_names(), fs::read_to_string(scene.home.pidfile()).unwrap_or_default());
        let names_nobody = pidfile.is_empty() && names.iter().all(|name| files.contains(&name.as_str()));
        if processes.is_empty() && names_nobody {
            return Ok(());
        }
        if processes.is_empty() || begun.elapsed() > PATIENCE {
            return Err(format!("left: processes {processes:?}, files {names:?}, pidfile {pidfile:?}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What a person reads of it, as the C library has it.
fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
