//! The tools that people already run, each driving a daemon of this crate by the tool's own commands. What a tool says is
//! compared with what is. A test whose tool is not installed skips itself, and says so.

mod first;
#[path = "../lifecycle/follower.rs"]
#[allow(dead_code, reason = "each of the test programs uses its part of it")]
mod follower;
#[path = "../lifecycle/home.rs"]
#[allow(dead_code, reason = "each of the test programs uses its part of it")]
mod home;
mod inetd;
mod journal;
mod kubernetes;
mod logrotate;
mod machine;
mod manual_page;
mod notified;
mod openrc;
mod pidfile;
mod readme;
mod runit;
mod s6;
mod shells;
mod supervised;
mod supervisord;
mod syslog;
mod systemd;
mod systemd_failures;
mod systemd_sockets;
mod tool;
mod units;
