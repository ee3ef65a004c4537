mod delivery;
mod points;
mod queue;
mod record;
