//! Who gets in, and what those who attack get of the machine.

mod attacks;
mod passwords;
mod prometheus;
mod requests;
mod socket;
mod target;
mod tls;

/// The password `abc`, hashed with the usual cost.
pub(crate) const HASH: &str = "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi";
/// The password `U*U`, hashed with a low cost.
const QUICK: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
/// The header that shows `prometheus` and `abc`.
pub(crate) const RIGHT: (&str, &str) = ("Authorization", "Basic cHJvbWV0aGV1czphYmM=");
/// The header that shows `prometheus` and `abd`.
const WRONG: (&str, &str) = ("Authorization", "Basic cHJvbWV0aGV1czphYmQ=");
/// The header that shows `nobody` and `abc`.
const NOBODY: (&str, &str) = ("Authorization", "Basic bm9ib2R5OmFiYw==");
