//! Passwords, as a web configuration has them and as requests show them.

/// The password `abc`, hashed with the usual cost.
pub const HASH: &str = "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi";

/// The password `U*U`, hashed with a low cost.
pub const QUICK: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// The header that shows `prometheus` and `abc`.
pub const RIGHT: (&str, &str) = ("Authorization", "Basic cHJvbWV0aGV1czphYmM=");

/// The header that shows `prometheus` and `abd`.
pub const WRONG: (&str, &str) = ("Authorization", "Basic cHJvbWV0aGV1czphYmQ=");

/// The header that shows `nobody` and `abc`.
pub const NOBODY: (&str, &str) = ("Authorization", "Basic bm9ib2R5OmFiYw==");
