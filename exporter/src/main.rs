//! The command `doubleslit`.

fn main() {}
