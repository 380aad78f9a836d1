#[daemon()]
struct S;
