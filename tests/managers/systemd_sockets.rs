//! systemd: sockets that it opens for the daemon.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use crate::home::{Home, eventually};
use crate::machine::{Machine, free_port, path_of};
use crate::readme;
use crate::tool::are_there;

/// What a guest hears.
fn visit(port: u16) -> String {
    let mut heard = String::new();
    let mut door = TcpStream::connect(("127.0.0.1", port)).expect("not refused");
    door.read_to_string(&mut heard).expect("heard");
    heard
}

#[test]
fn who_connects_before_the_service_runs_begins_it_and_nobody_is_refused_over_a_reload() {
    let home = Home::new();
    let test = "who_connects_before_the_service_runs_begins_it_and_nobody_is_refused_over_a_reload";
    let Some(machine) = Machine::boot(test, &home) else { return };
    let port = free_port();
    machine.write("porter.socket", &readme::block("`porter.socket`", &[("7071", &format!("127.0.0.1:{port}"))]));
    let program = path_of(&home, "porter");
    machine.write("porter.service", &readme::block("`Type=notify`", &[("/usr/local/bin/porter", &program)]));
    machine.surround("porter", &[]);
    machine.succeeds(&["start", "porter.socket"]);
    assert_eq!(machine.show("porter.service", &["ActiveState"]), ["inactive"]);
    let heard = visit(port);
    let pid = machine.show("porter.service", &["MainPID"])[0].clone();
    assert_eq!(heard, format!("welcome, says porter (pid {pid})\n"));

    let (is_over, guests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (over, count, words) = (Arc::clone(&is_over), Arc::clone(&guests), heard);
    let crowd = thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            assert_eq!(visit(port), words);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    for _ in 0..5 {
        let image = machine.show("porter", &["StateChangeTimestampMonotonic"]);
        machine.succeeds(&["reload", "porter"]);
        eventually("the next image", || machine.show("porter", &["StateChangeTimestampMonotonic"]) != image);
        machine.await_state("porter", "active");
        let so_far = guests.load(Ordering::SeqCst);
        eventually("more guests", || guests.load(Ordering::SeqCst) > so_far + 2 || crowd.is_finished());
    }
    is_over.store(true, Ordering::SeqCst);
    crowd.join().expect("nobody was refused, and all heard the same daemon");

    // The socket outlives the service, and begins it again.
    assert_eq!(machine.systemctl(&["stop", "porter.service"]).code, 0);
    assert!(visit(port).starts_with("welcome, says porter"));
    assert_ne!(machine.show("porter.service", &["MainPID"])[0], pid);
    machine.succeeds(&["stop", "porter.socket", "porter.service"]);
}

#[test]
fn the_sockets_reach_the_worker_whatever_is_closed_and_however_it_detaches() {
    let test = "the_sockets_reach_the_worker_whatever_is_closed_and_however_it_detaches";
    if !are_there(test, &["systemd-socket-activate"]) {
        return;
    }
    for close_fds in ["inherited", "all", "none"] {
        for (detach, words) in [("false", "run"), ("true", "start"), ("exec", "start")] {
            let home = Home::new();
            let port = free_port();
            let mut activate = home.cast(std::path::Path::new("systemd-socket-activate"), "");
            activate.0.args(["--listen", &format!("127.0.0.1:{port}"), "--fdname=door"]);
            for variable in home.cast(std::path::Path::new("true"), "").0.get_envs() {
                let (key, Some(value)) = variable else { continue };
                activate.0.arg(format!("--setenv={}={}", key.to_string_lossy(), value.to_string_lossy()));
            }
            activate
                .0
                .args([format!("--setenv=ACTOR_DETACH={detach}"), format!("--setenv=ACTOR_CLOSE_FDS={close_fds}")]);
            activate.0.arg(env!("CARGO_BIN_EXE_activated"));
            let mut manager = activate.spawn(&[words]);
            eventually("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
            for _ in 0..2 {
                let heard = visit(port);
                assert_eq!(heard, format!("door {}\n", home.pid()), "{close_fds} {detach}");
            }
            let told = home
                .program(std::path::Path::new(env!("CARGO_BIN_EXE_activated")))
                .set("ACTOR_PIDFILE", home.pidfile())
                .run(&["stop"]);
            told.assert(0, "Stopping actor ... OK\n", "");
            eventually("the manager's end", || manager.try_wait().expect("it is our child").is_some());
            home.assert_nothing_left();
        }
    }
}
