//! Who asks: the password of a request.
//!
//! A comparison takes a tenth of a second of a CPU, and strangers can ask for as many as they like. So one runs at a time, on a
//! thread of its own; few wait for it, and of one address fewer still; and who was right before is not compared again.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{hmac, rand::SystemRandom};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::password::Users;

/// Requests whose passwords wait to be compared.
const WAITING_MAX: usize = 32;
/// The same of one address.
const WAITING_OF_ONE: usize = 4;
/// Passwords that are known to be right: what users have, and what they had when the file was another one.
const KNOWN_MAX: usize = 1024;
/// Longer ones are nobody's.
const CREDENTIALS_MAX: usize = 1024;

/// What became of a request's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the user's.
    Right,
    /// There is none.
    Missing,
    /// It is not the user's, or there is no such user.
    Wrong,
    /// Nobody had time to compare it.
    Busy,
}

/// Compares passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    /// What is kept of passwords means nothing without this, which no other process knows.
    key: hmac::Key,
    known: Mutex<HashSet<[u8; 32]>>,
    turn: Arc<Semaphore>,
    waiting: Mutex<HashMap<IpAddr, usize>>,
}

/// There are no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the kernel has no random numbers for keys")]
pub struct NoRandomness;

impl Passwords {
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| NoRandomness)?,
            known: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: Mutex::default(),
        })
    }

    /// Judges the password that a request from an address has.
    pub(super) async fn judge(&self, users: &Arc<Users>, headers: &HeaderMap, from: IpAddr) -> Verdict {
        let Some(credentials) = Credentials::of(headers) else { return Verdict::Missing };
        let mark = self.mark(users, &credentials);
        if lock(&self.known).contains(&mark) {
            return Verdict::Right;
        }
        let Some(_place) = Place::take(&self.waiting, from) else { return Verdict::Busy };
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else { return Verdict::Busy };
        // Another request with the same password may have been first.
        if lock(&self.known).contains(&mark) {
            return Verdict::Right;
        }
        let users = Arc::clone(users);
        let compared = spawn_blocking(move || {
            // Whoever asked may be gone: the turn is over when the work is.
            let _turn = turn;
            users.verify(&credentials.name, &credentials.password).0
        });
        match compared.await {
            Ok(true) => {
                let mut known = lock(&self.known);
                if known.len() >= KNOWN_MAX {
                    known.clear();
                }
                known.insert(mark);
                Verdict::Right
            }
            Ok(false) => Verdict::Wrong,
            Err(_) => Verdict::Busy,
        }
    }

    /// What stands for name, password and the hash that they were compared with.
    fn mark(&self, users: &Users, credentials: &Credentials) -> [u8; 32] {
        let Credentials { name, password } = credentials;
        let hash = users.hash(name);
        let mut context = hmac::Context::with_key(&self.key);
        for part in [name.as_bytes(), password].into_iter().chain(hash.bytes()) {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut mark = [0; 32];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }
}

/// A name and a password.
#[derive(PartialEq, Eq)]
struct Credentials {
    name: String,
    password: Vec<u8>,
}

impl Credentials {
    /// Those of a request, if there is one pair of them.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, text) = value.as_bytes().split_at_checked(b"Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") || text.len() > CREDENTIALS_MAX {
            return None;
        }
        let decoded = BASE64_STANDARD.decode(text.trim_ascii()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8(decoded[..colon].to_vec()).ok()?;
        Some(Self { name, password: decoded[colon + 1..].to_vec() })
    }
}

/// A place among those who wait.
struct Place<'a> {
    waiting: &'a Mutex<HashMap<IpAddr, usize>>,
    address: IpAddr,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a Mutex<HashMap<IpAddr, usize>>, address: IpAddr) -> Option<Self> {
        let mut places = lock(waiting);
        let all: usize = places.values().sum();
        let own = places.entry(address).or_default();
        if all >= WAITING_MAX || *own >= WAITING_OF_ONE {
            if *own == 0 {
                places.remove(&address);
            }
            return None;
        }
        *own += 1;
        Some(Self { waiting, address })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = lock(self.waiting);
        if let Some(own) = places.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                places.remove(&self.address);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::web::password::Hash;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// `alice` has the password `U*U`.
    fn users() -> Arc<Users> {
        let hash = Hash::parse("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").expect("a hash");
        Arc::new(Users::new([("alice".to_owned(), hash)].into()))
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().expect("a value"))).collect()
    }

    fn basic(text: &str) -> HeaderMap {
        headers(&[&format!("Basic {}", BASE64_STANDARD.encode(text))])
    }

    #[tokio::test]
    async fn only_the_password_of_the_user_is_right() {
        let (users, passwords) = (users(), Passwords::new().expect("randomness"));
        for (text, expected) in [
            ("alice:U*U", Verdict::Right),
            ("alice:U*U", Verdict::Right),
            ("alice:u*U", Verdict::Wrong),
            ("alice:", Verdict::Wrong),
            ("alice:U*U:", Verdict::Wrong),
            ("bob:U*U", Verdict::Wrong),
            (":U*U", Verdict::Wrong),
            ("aliceU*U", Verdict::Missing),
            ("alice:\0", Verdict::Wrong),
        ] {
            assert_eq!(passwords.judge(&users, &basic(text), HERE).await, expected, "{text:?}");
        }
        assert_eq!(lock(&passwords.known).len(), 1, "only what is right is kept");
        let right = BASE64_STANDARD.encode("alice:U*U");
        for (values, expected) in [
            (&[&format!("basic  {right}")][..], Verdict::Right),
            (&[&format!("Bearer {right}")], Verdict::Missing),
            (&[&format!("Basic {right}="), &format!("Basic {right}")], Verdict::Missing),
            (&[&format!("Basic {right}"), &format!("Basic {right}")], Verdict::Missing),
            (&[&format!("Basic {right}!")], Verdict::Missing),
            (&[&format!("Basic {}", "A".repeat(CREDENTIALS_MAX + 1))], Verdict::Missing),
            (&[], Verdict::Missing),
        ] {
            let values: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
            assert_eq!(passwords.judge(&users, &headers(&values), HERE).await, expected, "{values:?}");
        }
    }

    #[tokio::test]
    async fn another_hash_makes_the_old_password_wrong() {
        let (mut users, passwords) = (users(), Passwords::new().expect("randomness"));
        assert_eq!(passwords.judge(&users, &basic("alice:U*U"), HERE).await, Verdict::Right);
        let hash = Hash::parse("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i").expect("a hash");
        users = Arc::new(Users::new([("alice".to_owned(), hash)].into()));
        assert_eq!(passwords.judge(&users, &basic("alice:U*U"), HERE).await, Verdict::Wrong);
        assert_eq!(passwords.judge(&users, &basic("alice:abc"), HERE).await, Verdict::Right);
    }

    #[tokio::test]
    async fn who_is_known_waits_for_nobody_and_few_others_wait() {
        let (users, passwords) = (users(), Passwords::new().expect("randomness"));
        assert_eq!(passwords.judge(&users, &basic("alice:U*U"), HERE).await, Verdict::Right);
        let _turn = passwords.turn.acquire().await.expect("it is open");
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let _places: Vec<_> =
            (0..WAITING_OF_ONE).map(|_| Place::take(&passwords.waiting, other).expect("room")).collect();
        assert_eq!(passwords.judge(&users, &basic("alice:wrong"), other).await, Verdict::Busy);
        assert_eq!(passwords.judge(&users, &basic("alice:U*U"), other).await, Verdict::Right);
        let addresses = (2..).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let places: Vec<_> = addresses.map_while(|address| Place::take(&passwords.waiting, address)).collect();
        assert_eq!(places.len(), WAITING_MAX - WAITING_OF_ONE);
        assert_eq!(passwords.judge(&users, &basic("alice:wrong"), HERE).await, Verdict::Busy);
        drop(places);
        assert_eq!(lock(&passwords.waiting).len(), 1);
    }
}
