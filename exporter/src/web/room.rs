//! All connections, no more than there may be.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    count: usize,
    /// By address, because it matters how many one has, and nobody should have to count them for each who comes.
    taken: HashMap<Option<IpAddr>, OfOne>,
}

/// Those from one address.
#[derive(Debug, Default)]
struct OfOne {
    /// On which nothing has been said yet, in the order in which they came.
    silent: BTreeMap<u64, Arc<Seat>>,
    heard: BTreeMap<u64, Arc<Seat>>,
}

/// A seat that is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Arc<Room>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Room {
    pub(super) fn new(max: usize) -> Self {
        Self { max, seats: Mutex::default() }
    }

    /// How many are there.
    pub(super) fn len(&self) -> usize {
        self.seats().count
    }

    /// Takes a seat. Where there is none, whoever is of the least use has to go; of several of those, somebody of the address
    /// that has the most. Nothing where everybody who is here is of use.
    pub(super) fn enter(self: &Arc<Self>, from: Option<IpAddr>, has_handshake: bool) -> Option<Taken> {
        let mut seats = self.seats();
        if seats.count >= self.max {
            let (from, number) = seats.least()?;
            if let Some(seat) = seats.remove(from, number) {
                seat.leave.notify_one();
            }
        }
        let seat = Arc::new(Seat::new(from, has_handshake));
        let number = seats.add(Arc::clone(&seat));
        drop(seats);
        Some(Taken { room: Arc::clone(self), number, seat })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Something has been said.
    pub(super) fn is_heard(&self) {
        let mut seats = self.room.seats();
        // Who has to make room has no place any more.
        if let Some(of_one) = seats.taken.get_mut(&self.seat.from)
            && let Some(seat) = of_one.silent.remove(&self.number)
        {
            of_one.heard.insert(self.number, seat);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut seats = self.room.seats();
        // Who had to make room has left already.
        drop(seats.remove(self.seat.from, self.number));
    }
}

impl Seats {
    fn add(&mut self, seat: Arc<Seat>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.count += 1;
        self.taken.entry(seat.from).or_default().silent.insert(number, seat);
        number
    }

    /// Takes out a seat that is there.
    fn remove(&mut self, from: Option<IpAddr>, number: u64) -> Option<Arc<Seat>> {
        let of_one = self.taken.get_mut(&from)?;
        let seat = of_one.silent.remove(&number).or_else(|| of_one.heard.remove(&number))?;
        if of_one.len() == 0 {
            self.taken.remove(&from);
        }
        self.count -= 1;
        Some(seat)
    }

    /// Who asks for nothing: of those that never did and those that do not now, whichever are more, so that neither many new
    /// connections take the place of one that is used from time to time, nor many of those the place of a new one. Without such
    /// ones who does not take its answer.
    ///
    /// This is asked for each who comes while there is no room, so those who say nothing are not looked at one by one.
    fn least(&self) -> Option<Place> {
        let now = Instant::now();
        let (mut unproven, mut idle, mut stalled) = (Least::default(), Least::default(), Least::default());
        for (from, of_one) in &self.taken {
            let order = |is_heard, since| (Reverse(of_one.len()), is_heard, since);
            unproven.count += of_one.silent.len();
            if let Some((number, seat)) = of_one.silent.first_key_value() {
                unproven.consider(order(false, seat.since()), (*from, *number));
            }
            for (number, seat) in &of_one.heard {
                let Some((worth, since)) = seat.worth(now) else { continue };
                let least = match worth {
                    Worth::Unproven => &mut unproven,
                    Worth::Idle => &mut idle,
                    Worth::Stalled => &mut stalled,
                };
                least.count += 1;
                least.consider(order(true, since), (*from, *number));
            }
        }
        let more = if unproven.count >= idle.count { unproven } else { idle };
        let candidates = if more.count == 0 { stalled } else { more };
        candidates.first.map(|(_, place)| place)
    }
}

impl OfOne {
    fn len(&self) -> usize {
        self.silent.len() + self.heard.len()
    }
}

/// An address and a number.
type Place = (Option<IpAddr>, u64);

/// Who goes first: who has the most, who has said nothing, who has been so for the longest.
type Order = (Reverse<usize>, bool, Instant);

/// Of seats of the same worth: how many there are, and who goes first.
#[derive(Default)]
struct Least {
    count: usize,
    first: Option<(Order, Place)>,
}

impl Least {
    fn consider(&mut self, order: Order, place: Place) {
        if self.first.is_none_or(|(first, _)| order < first) {
            self.first = Some((order, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(room: &Arc<Room>, last: u8) -> Option<Taken> {
        room.enter(Some([192, 0, 2, last].into()), false)
    }

    fn ask(taken: &Taken) {
        taken.is_heard();
        taken.seat.is_asked(false);
    }

    #[tokio::test]
    async fn who_asks_for_nothing_makes_room() {
        let room = Arc::new(Room::new(3));
        let seats: Vec<_> = [1, 1, 2].map(|last| enter(&room, last).expect("room")).into();
        ask(&seats[0]);
        seats[0].seat.is_let_in();
        let new = enter(&room, 3).expect("somebody goes");
        assert_eq!(room.len(), 3);
        // Of the two that have asked for nothing, the one whose address has another connection.
        seats[1].seat.leave.notified().await;
        ask(&new);
        ask(&seats[2]);
        assert!(enter(&room, 4).is_none(), "all are of use");
        seats[0].seat.is_answered();
        let other = enter(&room, 4).expect("one is idle");
        seats[0].seat.leave.notified().await;
        drop(seats);
        assert_eq!(room.len(), 2, "who had to go leaves no second time");
        drop((new, other));
        assert_eq!(room.len(), 0);
    }

    #[tokio::test]
    async fn neither_many_new_ones_nor_many_idle_ones_keep_others_out() {
        let idle = |room: &Arc<Room>| {
            let taken = enter(room, 1).expect("room");
            ask(&taken);
            taken.seat.is_let_in();
            taken.seat.is_answered();
            taken
        };
        let room = Arc::new(Room::new(4));
        // One that is used from time to time, and three that never ask.
        let (_used, first) = (idle(&room), enter(&room, 1).expect("room"));
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

    #[tokio::test]
    async fn who_has_begun_to_ask_goes_after_who_says_nothing() {
        let room = Arc::new(Room::new(3));
        let seats: Vec<_> = [(); 3].map(|()| enter(&room, 1).expect("room")).into();
        seats[0].is_heard();
        for silent in [1, 2] {
            let newer = enter(&room, 1).expect("somebody goes");
            newer.is_heard();
            seats[silent].seat.leave.notified().await;
            std::mem::forget(newer);
        }
        let _newest = enter(&room, 1).expect("somebody goes");
        seats[0].seat.leave.notified().await;
    }
}
