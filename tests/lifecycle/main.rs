//! Real programs as real processes, each test in a directory of its own, each ending what it started.

mod builder;
mod clean;
mod command_line;
mod concurrency;
mod examples;
mod foreground;
mod home;
mod hostile;
mod installed;
mod killed;
mod migrated;
mod repeat;
mod shutdown;
mod start;
mod status;
mod stop;
mod streams;
mod terminal;
