#[repeat_daemon(every = "5s", times = 0)]
fn dmn_example() {
    println!("testing daemon ...");
}
