#[daemon()]
pub(in crate::a) const async unsafe extern "C" fn w<'a, const N: usize, T>(mut more: ...) -> impl Fn(u8) -> ! where T: Copy {}
