::core::compile_error! {
    "a method cannot become a daemon, because a command line has no `self` to call it on: move the function out of the `impl` block"
}
fn greeter(&self) -> u32 {
    self.number
}
