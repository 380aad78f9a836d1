::core::compile_error! {
    "missing key `every`: say how often to run, as in `#[repeat_daemon(every = \"5s\")]`"
}
::core::compile_error! {
    "a worker is not `const`, because it never runs in the compiler: remove `const`"
}
::core::compile_error! {
    "`#[args]` takes no value: its flags are those of the parameter's type"
}
::core::compile_error! {
    "a worker cannot change the flags of its command line: write `T` or `&T`"
}
fn main() -> ::daemon_runtime::Outcome {
    const fn __main_worker(opts: &mut Options) {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::core::unreachable!()
        })
        .dispatch(::std::env::args_os())
}
