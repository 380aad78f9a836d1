//! A super-server: inetd begins a process for each guest, whose stdin and stdout are the connection.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::home::{Home, eventually, is_root};
use crate::machine::{free_port, path_of};
use crate::readme;
use crate::supervised::Supervisor;
use crate::tool::{are_there, tool};

#[test]
fn inetd_begins_one_for_each_guest_and_each_ends_with_its_guest() {
    let test = "inetd_begins_one_for_each_guest_and_each_ends_with_its_guest";
    if !is_root(test) || !are_there(test, &["inetd"]) {
        return;
    }
    let home = Home::new();
    let port = free_port();
    let replaced = [("/usr/local/bin/repeater", path_of(&home, "repeater")), ("7072", format!("127.0.0.1:{port}"))];
    let replaced = [(replaced[0].0, replaced[0].1.as_str()), (replaced[1].0, replaced[1].1.as_str())];
    // The one account that can be counted on to have a way to where the test is.
    let line = readme::block("### inetd", &replaced).replace("nobody", "root");
    fs::write(home.path("inetd.conf"), line).expect("written");
    let mut program = tool(&home, "inetd");
    program.0.arg("-i").arg(home.path("inetd.conf"));
    // For HOME, inetd puts in the account's own.
    let _inetd = Supervisor::begin(&home, program.set("REPEATER_FOLDER", home.path("")));
    eventually("the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());

    let guest = || BufReader::new(TcpStream::connect(("127.0.0.1", port)).expect("it listens"));
    let talk = |guest: &mut BufReader<TcpStream>, words: &str| {
        writeln!(guest.get_mut(), "{words}").expect("said");
        let mut heard = String::new();
        guest.read_line(&mut heard).expect("heard");
        let (pid, said) = heard.split_once(" says ").unwrap_or_else(|| panic!("{heard:?}"));
        assert_eq!(said, format!("{words}\n"));
        pid.to_owned()
    };
    let (mut one, mut other) = (guest(), guest());
    let pids = [talk(&mut one, "hello"), talk(&mut other, "good day")];
    assert_ne!(pids[0], pids[1]);
    assert_eq!(talk(&mut one, "hello again"), pids[0]);
    for pid in &pids {
        assert_eq!(home.read(&format!("repeater-{pid}.pid")), format!("{pid}\n"));
    }
    drop((one, other));
    let names = || fs::read_dir(home.path("")).expect("it is ours").map(|entry| entry.expect("an entry").file_name());
    let is_left = || names().any(|name| name.to_string_lossy().starts_with("repeater-"));
    eventually("all of them to be gone", || !is_left());
}
