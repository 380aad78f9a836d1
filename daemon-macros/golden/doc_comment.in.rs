/// Serves greetings.
///
///   - to everybody
#[doc = include_str!("more.md")]
#[doc(alias = "hello")]
/// and for ever.
#[daemon]
fn greeter() {}
