//! Who is connected, and how much each client may ask. A client is an address; of IPv6 its first
//! 64 bits, which one household has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use std::sync::Arc;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 128;
/// Addresses whose requests are counted; when there are more, those who have not asked for a
/// minute are forgotten.
const COUNTED_MAX: usize = 4_096;
const MINUTE: Duration = Duration::from_secs(60);

/// Limits of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time; 0 is as many as there are.
    pub(crate) connections: usize,
    /// Requests in a minute; 0 is as many as it likes.
    pub(crate) requests: u32,
}

#[derive(Debug)]
pub(super) struct Clients {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they came.
    open: Vec<Open>,
    asked: HashMap<IpAddr, Asked>,
    last: u64,
}

#[derive(Debug)]
struct Open {
    number: u64,
    client: IpAddr,
    end: Arc<Notify>,
}

/// Requests that a client may still make, and since when.
#[derive(Clone, Copy, Debug)]
struct Asked {
    left: f64,
    at: Instant,
}

/// A connection; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    clients: Arc<Clients>,
    number: u64,
    client: IpAddr,
    end: Arc<Notify>,
}

impl Clients {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in. Where there is no room, the oldest connection of this client ends,
    /// or of the client that has most: so holding connections keeps nobody else out.
    pub(super) fn connect(self: &Arc<Self>, address: IpAddr) -> Connected {
        let client = client(address);
        let mut state = self.lock();
        let own = state.open.iter().filter(|one| one.client == client).count();
        if self.limits.connections > 0 && own >= self.limits.connections {
            state.end_oldest(client);
        } else if state.open.len() >= CONNECTIONS_MAX
            && let Some(greediest) = state.greediest()
        {
            state.end_oldest(greediest);
        }
        state.last += 1;
        let (number, end) = (state.last, Arc::new(Notify::new()));
        state.open.push(Open { number, client, end: Arc::clone(&end) });
        Connected { clients: Arc::clone(self), number, client, end }
    }
}

impl State {
    fn end_oldest(&mut self, client: IpAddr) {
        if let Some(at) = self.open.iter().position(|one| one.client == client) {
            self.open.remove(at).end.notify_one();
        }
    }

    fn greediest(&self) -> Option<IpAddr> {
        let mut counts = HashMap::new();
        for one in &self.open {
            *counts.entry(one.client).or_insert(0_usize) += 1;
        }
        let most = counts.values().max().copied()?;
        // Of several, the one whose connection is the oldest.
        self.open.iter().map(|one| one.client).find(|one| counts.get(one) == Some(&most))
    }
}

impl Connected {
    /// Ends when the connection must make room.
    pub(super) async fn must_end(&self) {
        self.end.notified().await;
    }

    /// Counts a request; false if the client has made too many.
    pub(super) fn may_ask(&self, now: Instant) -> bool {
        let limit = f64::from(self.clients.limits.requests);
        if limit == 0.0 {
            return true;
        }
        let mut state = self.clients.lock();
        if state.asked.len() >= COUNTED_MAX && !state.asked.contains_key(&self.client) {
            state.asked.retain(|_, asked| now.saturating_duration_since(asked.at) < MINUTE);
            // So many at once: new clients wait.
            if state.asked.len() >= COUNTED_MAX {
                return false;
            }
        }
        let asked = state.asked.entry(self.client).or_insert(Asked { left: limit, at: now });
        let passed = now.saturating_duration_since(asked.at).as_secs_f64();
        asked.left = (asked.left + passed * limit / MINUTE.as_secs_f64()).min(limit);
        asked.at = now;
        if asked.left < 1.0 {
            return false;
        }
        asked.left -= 1.0;
        true
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.clients.lock().open.retain(|one| one.number != self.number);
    }
}

fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(connections: usize, requests: u32) -> Arc<Clients> {
        Clients::new(Limits { connections, requests })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn must_end(connected: &Connected) -> bool {
        let mut end = std::pin::pin!(connected.must_end());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::future::Future::poll(end.as_mut(), &mut context).is_ready()
    }

    #[test]
    fn a_client_that_has_its_connections_loses_its_oldest() {
        let clients = clients(2, 0);
        let all: Vec<_> = [1, 1, 2, 1].map(|last| clients.connect(address(last))).into();
        assert_eq!(all.iter().map(must_end).collect::<Vec<_>>(), [true, false, false, false]);
    }

    #[test]
    fn whoever_holds_most_makes_room_for_others() {
        let clients = clients(0, 0);
        let other = clients.connect(address(2));
        let held: Vec<_> = (0..CONNECTIONS_MAX - 1).map(|_| clients.connect(address(1))).collect();
        let new = clients.connect(address(3));
        assert!(must_end(&held[0]) && !must_end(&held[1]) && !must_end(&other) && !must_end(&new));
        drop(held);
        assert_eq!(clients.lock().open.len(), 2);
    }

    #[test]
    fn requests_come_back_with_time() {
        let clients = clients(0, 3);
        let (one, other) = (clients.connect(address(1)), clients.connect(address(2)));
        let start = Instant::now();
        for expected in [true, true, true, false] {
            assert_eq!(one.may_ask(start), expected);
        }
        assert!(other.may_ask(start));
        assert!(!one.may_ask(start + Duration::from_secs(19)));
        assert!(one.may_ask(start + Duration::from_secs(20)));
    }

    #[test]
    fn a_client_of_ipv6_is_its_network() {
        let one: IpAddr = "2001:db8:1:2::1".parse().unwrap();
        let other: IpAddr = "2001:db8:1:2:ffff::2".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(client(one), client(other));
        assert_eq!(client(mapped), address(1));
    }
}
