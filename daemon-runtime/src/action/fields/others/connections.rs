//! The daemon's internet sockets, over IPv4 and IPv6.

use std::collections::HashMap;
use std::net::SocketAddr;

use procfs::ProcResult;
use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use procfs::process::{FDInfo, FDTarget, Process};
use serde_json::{Value, json};

pub(super) fn of(process: &Process) -> Option<Value> {
    let socket = |fd: FDInfo| match fd.target {
        FDTarget::Socket(inode) => Some((inode, fd.fd)),
        _ => None,
    };
    let fds: HashMap<u64, i32> = process.fd().ok()?.flatten().filter_map(socket).collect();
    // The tables hold all sockets of the network namespace. One is missing where the kernel has no IPv6.
    let tcp = entries([process.tcp(), process.tcp6()]).filter_map(|entry| Some(tcp(&entry, *fds.get(&entry.inode)?)));
    let udp = entries([process.udp(), process.udp6()]).filter_map(|entry| Some(udp(&entry, *fds.get(&entry.inode)?)));
    Some(tcp.chain(udp).collect())
}

fn entries<T>(tables: [ProcResult<Vec<T>>; 2]) -> impl Iterator<Item = T> {
    tables.into_iter().flatten().flatten()
}

fn tcp(entry: &TcpNetEntry, fd: i32) -> Value {
    let status = match entry.state {
        TcpState::Established => "ESTABLISHED",
        TcpState::SynSent => "SYN_SENT",
        TcpState::SynRecv | TcpState::NewSynRecv => "SYN_RECV",
        TcpState::FinWait1 => "FIN_WAIT1",
        TcpState::FinWait2 => "FIN_WAIT2",
        TcpState::TimeWait => "TIME_WAIT",
        TcpState::Close => "CLOSE",
        TcpState::CloseWait => "CLOSE_WAIT",
        TcpState::LastAck => "LAST_ACK",
        TcpState::Listen => "LISTEN",
        TcpState::Closing => "CLOSING",
    };
    connection(fd, "SOCK_STREAM", [entry.local_address, entry.remote_address], status)
}

fn udp(entry: &UdpNetEntry, fd: i32) -> Value {
    connection(fd, "SOCK_DGRAM", [entry.local_address, entry.remote_address], "NONE")
}

fn connection(fd: i32, kind: &str, [local, remote]: [SocketAddr; 2], status: &str) -> Value {
    let family = if local.is_ipv4() { "AF_INET" } else { "AF_INET6" };
    json!({
        "fd": fd, "family": family, "type": kind,
        "laddr": address(local), "raddr": address(remote), "status": status,
    })
}

// No port means that this end is not bound, or not connected.
fn address(address: SocketAddr) -> Option<Value> {
    (address.port() != 0).then(|| json!({"ip": address.ip().to_string(), "port": address.port()}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;

    fn told(socket: &impl AsRawFd) -> Value {
        let all = of(&Process::myself().expect("this process")).expect("told");
        let mine = |one: &&Value| one["fd"] == json!(socket.as_raw_fd());
        all.as_array().expect("a list").iter().find(mine).cloned().unwrap_or_else(|| panic!("{all}"))
    }

    #[test]
    fn a_listener_a_connection_and_a_datagram_socket_are_told_as_such() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let here = json!({"ip": "127.0.0.1", "port": port});
        assert_eq!(
            told(&listener),
            json!({"fd": listener.as_raw_fd(), "family": "AF_INET", "type": "SOCK_STREAM", "laddr": here,
                "raddr": null, "status": "LISTEN"})
        );
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        assert_eq!((&told(&stream)["raddr"], &told(&stream)["status"]), (&here, &json!("ESTABLISHED")));
        let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let told = told(&datagrams);
        assert_eq!(
            (&told["type"], &told["status"], &told["raddr"]),
            (&json!("SOCK_DGRAM"), &json!("NONE"), &json!(null))
        );
    }
}
