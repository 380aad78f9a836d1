//! Streams that the program has opened itself.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::home::{Home, eventually};

#[test]
fn an_open_file_becomes_the_stream_as_it_is() {
    for detach in ["auto", "exec"] {
        let home = Home::new();
        fs::write(home.path("input"), "this\n").expect("written");
        let errors = fs::File::create(home.path("errors")).expect("made");
        let mut start = home.program(Path::new(env!("CARGO_BIN_EXE_streams"))).set("STREAMS_DETACH", detach);
        start = start.set("STREAMS_FILE", home.path("output")).set("STREAMS_INPUT", home.path("input"));
        let mut child = start.0.arg("start").stdout(Stdio::null()).stderr(errors).spawn().expect("started");
        assert!(child.wait().expect("waited").success(), "{detach}");
        assert_eq!(
            (home.read("output"), home.read("errors")),
            ("read this\n".to_owned(), "kept\n".to_owned()),
            "{detach}"
        );
        let name = fs::read_link(format!("/proc/{}/fd/1", home.pid())).expect("there");
        assert_eq!(name, home.path("output").canonicalize().expect("there"), "{detach}");
        home.go();
        eventually("the daemon to end", || home.processes().is_empty());
        home.assert_nothing_left();
    }
}
