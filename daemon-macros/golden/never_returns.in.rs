#[daemon]
fn forever() -> ! {
    loop {
        std::thread::park();
    }
}
