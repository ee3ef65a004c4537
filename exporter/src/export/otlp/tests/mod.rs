mod delivery;
mod points;
mod protocol;
mod queue;
mod record;
