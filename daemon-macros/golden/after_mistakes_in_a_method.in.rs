#[daemon]
fn greeter(&self) -> u32 {
    self.number
}
