//! Every example lives the life that its documentation tells.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::SystemTime;

use crate::home::{Home, Program, Told, eventually};

/// The pid in a pidfile of the test's home, if it is there.
pub fn pid(home: &Home, pidfile: &str) -> Option<i32> {
    home.read(pidfile).strip_suffix('\n')?.parse().ok()
}

/// Starts it, and sees that the pidfile was there when the start returned.
#[track_caller]
pub fn start(home: &Home, example: Program, name: &str, pidfile: &str) -> i32 {
    let told = example.run(&["start"]);
    let pid = pid(home, pidfile).unwrap_or_else(|| panic!("no pidfile: {told:?}"));
    told.assert(0, &format!("Starting {name} ... OK (pid {pid})\n"), "");
    assert_eq!(home.processes(), [pid]);
    pid
}

/// Stops it, and sees that the pidfile was gone when the stop returned.
#[track_caller]
pub fn stop(home: &Home, example: Program, name: &str, pidfile: &str) {
    let told = example.run(&["stop"]);
    assert!(!home.path(pidfile).exists(), "{told:?}");
    told.assert(0, &format!("Stopping {name} ... OK\n"), "");
    assert_eq!(home.processes(), Vec::<i32>::new());
}

#[track_caller]
pub fn assert_running(told: &Told, name: &str, pid: i32) {
    let line = format!("{name} -- pid: {pid}, status: running, uptime: ");
    assert!(told.code == 0 && told.stdout.starts_with(&line) && told.stderr.is_empty(), "{told:?}");
}

#[test]
fn an_action_that_an_example_does_not_have_is_told_with_those_that_it_has() {
    let home = Home::new();
    for example in
        ["dsm_pytools_exec", "dsm_pytools_daemon", "dsm_pytools_repeat", "daemonocle", "greeter", "load_recorder"]
    {
        let told = home.example(example).run(&["test"]);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""));
        let words: Vec<_> = told.stderr.split(|c: char| !c.is_alphanumeric()).collect();
        for word in ["test", "start", "stop", "restart", "reload", "status", "logs", "run"] {
            assert!(words.contains(&word), "{example}, {word}: {}", told.stderr);
        }
    }
}

/// Where the greeter listens, by its log.
fn address(home: &Home) -> Option<String> {
    home.lines("greeter.log").iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
}

/// An address that nobody listens on, and nobody is given by chance: it is not on the host that others ask for.
fn free_address() -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, a | 0x80, b, c);
    TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr()).expect("a port")
}

fn greeter(home: &Home, address: &str) -> Program {
    home.example("greeter").set("GREETER_ADDRESS", address)
}

#[test]
fn greeter_listens_when_its_start_returns_and_greets_with_its_name_and_pid() {
    let home = Home::new();
    let free = free_address();
    let pid = start(&home, greeter(&home, &free.to_string()), "greeter", "greeter.pid");
    let mut greeting = String::new();
    TcpStream::connect(free).expect("it listens").read_to_string(&mut greeting).expect("it greets");
    assert_eq!(greeting, format!("hello from greeter (pid {pid})\n"));
    stop(&home, greeter(&home, ""), "greeter", "greeter.pid");
    assert_eq!(home.lines("greeter.log").first(), Some(&format!("listening on {free}")));
    assert_eq!(home.lines("greeter.log").last().map(String::as_str), Some("good bye"));
}

#[test]
fn greeter_tells_in_its_log_which_port_it_was_given() {
    let home = Home::new();
    start(&home, greeter(&home, "127.0.0.1:0"), "greeter", "greeter.pid");
    eventually("its address", || address(&home).is_some());
    let mut greeting = String::new();
    let mut stream = TcpStream::connect(address(&home).expect("told")).expect("it listens");
    stream.read_to_string(&mut greeting).expect("it greets");
    assert!(greeting.starts_with("hello from greeter"), "{greeting}");
    eventually("the guest to be noted", || home.lines("greeter.log").iter().any(|line| line.starts_with("greeting ")));
    stop(&home, greeter(&home, ""), "greeter", "greeter.pid");
}

#[test]
fn greeter_on_a_port_that_is_taken_tells_so_and_leaves_nothing() {
    let (home, taken) = (Home::new(), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = taken.local_addr().expect("its address").to_string();
    let told = greeter(&home, &address).run(&["start"]);
    let stderr = format!("error: cannot listen on {address}: Address already in use (os error 98)\n");
    told.assert(1, "Starting greeter ... FAILED\n", &stderr);
    assert!(home.processes().is_empty() && !home.path("greeter.pid").exists());
    assert!(!home.path("greeter.pid.claim").exists());
}

#[test]
fn load_recorder_appends_a_plausible_sample_every_two_seconds() {
    let home = Home::new();
    let recorder = || home.example("load_recorder").set("LOAD_RECORDER_CSV", home.path("samples.csv"));
    let now = || SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let begun = now();
    start(&home, recorder(), "load_recorder", "load_recorder.pid");
    // Every line ends in a newline only when it is whole.
    eventually("two samples", || home.read("samples.csv").matches('\n').count() >= 3);
    stop(&home, recorder(), "load_recorder", "load_recorder.pid");
    assert_eq!(home.read("load_recorder.log"), "");

    let lines = home.lines("samples.csv");
    assert_eq!(lines[0], "time,tick,load1,load5,load15,mem_total_kb,mem_available_kb");
    let total = fs::read_to_string("/proc/meminfo").expect("there is memory");
    let total: Option<f64> = total.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    for line in &lines[1..] {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().expect("a number")).collect();
        let &[time, _, load1, load5, load15, mem_total, mem_available] = fields.as_slice() else { panic!("{line}") };
        assert!((begun..=now()).contains(&(time as u64)), "{line}");
        assert!([load1, load5, load15].iter().all(|load| (0.0..100_000.0).contains(load)), "{line}");
        assert!(Some(mem_total) == total && mem_available > 0.0 && mem_available <= mem_total, "{line}");
    }
    let ticks: Vec<u64> = lines[1..].iter().filter_map(|line| line.split(',').nth(1)?.parse().ok()).collect();
    assert!(ticks[0] == 0 && ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
}
