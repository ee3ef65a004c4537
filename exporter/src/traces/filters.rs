//! What several hold in common is switched on with the first of them and off with the last.

use std::collections::BTreeMap;

/// Something that is on or off for each key.
pub trait Switch<K> {
    /// Switches a key on that is off.
    ///
    /// # Errors
    ///
    /// When it cannot be: why. The key stays off.
    fn on(&mut self, key: K) -> Result<(), String>;

    /// Switches a key off that is on.
    fn off(&mut self, key: K);
}

impl<K, S: Switch<K> + ?Sized> Switch<K> for Box<S> {
    fn on(&mut self, key: K) -> Result<(), String> {
        (**self).on(key)
    }

    fn off(&mut self, key: K) {
        (**self).off(key);
    }
}

/// Counts who holds each key, and switches it accordingly.
#[derive(Debug)]
pub struct Filters<K, S> {
    holders: BTreeMap<K, usize>,
    switch: S,
}

impl<K: Copy + Ord, S: Switch<K>> Filters<K, S> {
    /// Nobody holds anything.
    pub const fn new(switch: S) -> Self {
        Self { holders: BTreeMap::new(), switch }
    }

    /// One more holds a key.
    ///
    /// # Errors
    ///
    /// When it is the first, and the key cannot be switched on. Then nobody holds it.
    pub fn hold(&mut self, key: K) -> Result<(), String> {
        if !self.holders.contains_key(&key) {
            self.switch.on(key)?;
        }
        *self.holders.entry(key).or_default() += 1;
        Ok(())
    }

    /// One who holds a key does no more.
    pub fn release(&mut self, key: K) {
        let Some(holders) = self.holders.get_mut(&key) else { return };
        *holders -= 1;
        if *holders == 0 {
            self.holders.remove(&key);
            self.switch.off(key);
        }
    }

    /// What is switched.
    pub const fn switch(&self) -> &S {
        &self.switch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells what was switched, and refuses 13.
    #[derive(Default)]
    struct Told(Vec<(u32, bool)>);

    impl Switch<u32> for Told {
        fn on(&mut self, key: u32) -> Result<(), String> {
            if key == 13 {
                return Err("no".to_owned());
            }
            self.0.push((key, true));
            Ok(())
        }

        fn off(&mut self, key: u32) {
            self.0.push((key, false));
        }
    }

    #[test]
    fn the_first_switches_on_and_the_last_off() {
        let mut filters = Filters::new(Told::default());
        for key in [1, 1, 2] {
            assert_eq!(filters.hold(key), Ok(()));
        }
        [1, 2, 1].into_iter().for_each(|key| filters.release(key));
        assert_eq!(filters.hold(1), Ok(()));
        assert_eq!(filters.switch().0, [(1, true), (2, true), (2, false), (1, false), (1, true)]);
    }

    #[test]
    fn nobody_holds_what_was_refused() {
        let mut filters = Filters::new(Told::default());
        assert_eq!(filters.hold(13), Err("no".to_owned()));
        filters.release(13);
        assert_eq!(filters.switch().0, []);
    }
}
