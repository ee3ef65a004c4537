//! Tracepoints whose hits are single events, by numbers: more can come while hits come in, and none goes.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use doubleslit_common::probes::tracepoint::TRACEPOINTS;

use super::traced::Traced;

/// Tracepoints, each at the place of its number. Clones are the same.
#[derive(Clone, Default)]
pub struct Table(Arc<ArcSwap<Vec<Arc<Traced>>>>);

/// There are as many tracepoints as there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {TRACEPOINTS} tracepoints already, and no more can be watched until the exporter starts again")]
pub struct Full;

impl Table {
    /// These tracepoints.
    #[must_use]
    pub fn of(tracepoints: &[Arc<Traced>]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(tracepoints.to_vec())))
    }

    /// All that there are now.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Arc<Traced>>> {
        self.0.load_full()
    }

    /// The number of the tracepoint that has this one of the kernel, and the tracepoint.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<(u32, Arc<Traced>)> {
        let all = self.0.load();
        let position = all.iter().position(|traced| traced.format.id == id)?;
        Some((u32::try_from(position).ok()?, Arc::clone(&all[position])))
    }

    /// Adds a tracepoint that is not there. One that was meant by a pattern may be named alone later.
    ///
    /// # Errors
    ///
    /// When there is no number left for it.
    pub fn add(&self, traced: Traced) -> Result<(), Full> {
        let mut is_full = false;
        self.0.rcu(|all| {
            let mut all = Vec::clone(all);
            let has_room = all.len() < TRACEPOINTS as usize;
            match all.iter_mut().find(|known| known.format.id == traced.format.id) {
                Some(known) if traced.named && !known.named => *known = Arc::new(traced.clone()),
                Some(_) => {}
                None if has_room => all.push(Arc::new(traced.clone())),
                None => is_full = true,
            }
            all
        });
        if is_full { Err(Full) } else { Ok(()) }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.load().iter().map(|traced| &traced.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracepoints::{format::Format, name::Name};

    fn traced(id: u32, named: bool) -> Traced {
        let format = format!("name: e{id}\nID: {id}\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n");
        let format = Format::parse(&format).expect("it is one");
        Traced::new(Name { category: "c".to_owned(), name: format!("e{id}") }, format, named, false)
    }

    #[test]
    fn numbers_stay() {
        let table = Table::of(&[Arc::new(traced(70, false))]);
        let same = table.clone();
        for (id, named) in [(71, false), (70, true), (71, false), (70, false)] {
            assert_eq!(same.add(traced(id, named)), Ok(()));
        }
        let found = [70, 71, 72].map(|id| table.find(id).map(|(number, traced)| (number, traced.named)));
        assert_eq!(found, [Some((0, true)), Some((1, false)), None]);
        assert_eq!(table.all().len(), 2);
    }

    #[test]
    fn it_can_be_full() {
        let table = Table::default();
        (0..TRACEPOINTS).for_each(|id| assert_eq!(table.add(traced(id, false)), Ok(())));
        assert_eq!(table.add(traced(TRACEPOINTS, false)), Err(Full));
        assert_eq!(table.add(traced(7, true)), Ok(()));
    }
}
