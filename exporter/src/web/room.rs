//! All connections, no more than there may be.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::seat::{Seat, Worth};

/// Where connections have their seats.
#[derive(Debug)]
pub(super) struct Room {
    max: usize,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, Arc<Seat>>,
}

/// A seat that is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Arc<Room>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

/// How somebody came in.
#[derive(Debug)]
pub(super) enum Entrance {
    /// There was room, or somebody made it.
    Open { taken: Taken, has_displaced: bool },
    /// Everybody who is here is of use.
    Full,
}

impl Room {
    pub(super) fn new(max: usize) -> Self {
        Self { max, seats: Mutex::default() }
    }

    /// How many are there.
    pub(super) fn len(&self) -> usize {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner).taken.len()
    }

    /// Takes a seat. Where there is none, whoever is of the least use has to go; of several of those, somebody of the address
    /// that has the most.
    pub(super) fn enter(self: &Arc<Self>, from: Option<IpAddr>, has_handshake: bool) -> Entrance {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_displaced = false;
        if seats.taken.len() >= self.max {
            let Some(number) = seats.least() else { return Entrance::Full };
            if let Some(seat) = seats.taken.remove(&number) {
                seat.leave.notify_one();
            }
            has_displaced = true;
        }
        let (number, seat) = (seats.next, Arc::new(Seat::new(from, has_handshake)));
        seats.next += 1;
        seats.taken.insert(number, Arc::clone(&seat));
        drop(seats);
        Entrance::Open { taken: Taken { room: Arc::clone(self), number, seat }, has_displaced }
    }
}

impl Seats {
    /// Who asks for nothing: of those that never did and those that do not now, whichever are more, so that neither many new
    /// connections take the place of one that is used from time to time, nor many of those the place of a new one. Without such
    /// ones who does not take its answer.
    fn least(&self) -> Option<u64> {
        let now = Instant::now();
        let mut of_each = HashMap::<_, usize>::new();
        let (mut unproven, mut idle, mut stalled) = (Vec::new(), Vec::new(), Vec::new());
        for (number, seat) in &self.taken {
            *of_each.entry(seat.from).or_default() += 1;
            match seat.worth(now) {
                Some((Worth::Unproven, since)) => unproven.push((number, seat, since)),
                Some((Worth::Idle, since)) => idle.push((number, seat, since)),
                Some((Worth::Stalled, since)) => stalled.push((number, seat, since)),
                None => {}
            }
        }
        let more = if unproven.len() >= idle.len() { unproven } else { idle };
        let candidates = if more.is_empty() { stalled } else { more };
        let order = |(_, seat, since): &(&u64, &Arc<Seat>, Instant)| {
            (Reverse(of_each.get(&seat.from).copied().unwrap_or_default()), *since)
        };
        candidates.into_iter().min_by_key(order).map(|(number, ..)| *number)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.seats.lock().unwrap_or_else(PoisonError::into_inner).taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(room: &Arc<Room>, last: u8) -> Option<(Taken, bool)> {
        match room.enter(Some([192, 0, 2, last].into()), false) {
            Entrance::Open { taken, has_displaced } => Some((taken, has_displaced)),
            Entrance::Full => None,
        }
    }

    #[tokio::test]
    async fn who_asks_for_nothing_makes_room() {
        let room = Arc::new(Room::new(3));
        let seats: Vec<_> = [1, 1, 2].map(|last| enter(&room, last).expect("room").0).into();
        seats[0].seat.is_asked(false);
        seats[0].seat.is_let_in();
        let (new, has_displaced) = enter(&room, 3).expect("somebody goes");
        assert!(has_displaced && room.len() == 3);
        // Of the two that have asked for nothing, the one whose address has another connection.
        seats[1].seat.leave.notified().await;
        new.seat.is_asked(false);
        seats[2].seat.is_asked(false);
        assert!(enter(&room, 4).is_none(), "all are of use");
        seats[0].seat.is_answered();
        let (other, has_displaced) = enter(&room, 4).expect("one is idle");
        assert!(has_displaced);
        seats[0].seat.leave.notified().await;
        drop(seats);
        assert_eq!(room.len(), 2, "who had to go leaves no second time");
        drop((new, other));
        assert_eq!(room.len(), 0);
    }

    #[tokio::test]
    async fn neither_many_new_ones_nor_many_idle_ones_keep_others_out() {
        let idle = |room: &Arc<Room>| {
            let (taken, _) = enter(room, 1).expect("room");
            taken.seat.is_asked(false);
            taken.seat.is_let_in();
            taken.seat.is_answered();
            taken
        };
        let room = Arc::new(Room::new(4));
        // One that is used from time to time, and three that never ask.
        let (_used, first) = (idle(&room), enter(&room, 1).expect("room").0);
        let _others = [(); 2].map(|()| enter(&room, 1).expect("room"));
        let _newer = enter(&room, 1).expect("somebody goes");
        first.seat.leave.notified().await;

        let room = Arc::new(Room::new(4));
        // Three that have asked once, and a new one.
        let idle: Vec<_> = [(); 3].map(|()| idle(&room)).into();
        let _new = enter(&room, 1).expect("room");
        let _newer = enter(&room, 1).expect("somebody goes");
        idle[0].seat.leave.notified().await;
    }
}
