//! Passwords as bcrypt has them, and what it costs to compare one.

use std::{collections::BTreeMap, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq as _;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    // The last character of salt and digest has bits that mean nothing; some programs set them.
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What costs that may be: below it is no protection, above a single comparison takes longer than anybody waits.
const COSTS: std::ops::RangeInclusive<u32> = 4..=16;

/// What bcrypt looks at of a password and the zero behind it.
const BYTES: usize = 72;

/// Bytes of the digest; the last one of the cipher's output is not kept.
const DIGEST: usize = 23;

/// A password, hashed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; DIGEST],
}

impl Hash {
    /// The hash in a text such as `$2y$10$` and 53 further characters; else what is expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let unfit = || {
            "a password hashed with bcrypt, such as `htpasswd -nBC 10 \"\"` prints it: `$2y$10$` and 53 more \
                        characters"
                .to_owned()
        };
        let mut parts = text.split('$');
        let ("", Some("2a" | "2b" | "2y"), Some(cost), Some(rest), None) =
            (parts.next().unwrap_or_default(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(unfit());
        };
        let cost = cost.parse().ok().filter(|_| cost.len() == 2).ok_or_else(unfit)?;
        if !COSTS.contains(&cost) {
            let (min, max) = COSTS.into_inner();
            return Err(format!("a password hashed with a cost from {min} to {max}, such as 10; this one has {cost}"));
        }
        let (salt, digest) = rest.split_at_checked(22).ok_or_else(unfit)?;
        let decoded = |text: &str| BASE64.decode(text).map_err(|_| unfit());
        Ok(Self {
            cost,
            salt: decoded(salt)?.try_into().map_err(|_| unfit())?,
            digest: decoded(digest)?.try_into().map_err(|_| unfit())?,
        })
    }

    /// What is told apart by a key of a cache.
    pub(super) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        [self.salt.as_slice(), self.digest.as_slice()].into_iter()
    }

    fn is_of(&self, password: &[u8]) -> bool {
        let mut bytes = [password, &[0]].concat();
        bytes.truncate(BYTES);
        let output = bcrypt::bcrypt(self.cost, self.salt, &bytes);
        output[..DIGEST].ct_eq(&self.digest).into()
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hash(***)")
    }
}

/// Who has which password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Users(BTreeMap<String, Hash>);

impl Users {
    pub(super) fn new(users: BTreeMap<String, Hash>) -> Self {
        Self(users)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose hash a name has. One that nobody has has one too, which no password fits.
    pub(super) fn hash(&self, name: &str) -> Hash {
        self.0.get(name).cloned().unwrap_or_else(|| nobodys(self.cost()))
    }

    /// Whether a password is the one of a user, and how many rounds that took. Any wrong answer takes the same number.
    pub(super) fn verify(&self, name: &str, password: &[u8]) -> (bool, u64) {
        let hash = self.hash(name);
        let is_right = hash.is_of(password) && self.0.contains_key(name);
        let mut rounds = 1 << hash.cost;
        if !is_right {
            // Costs are exponents: with one more of each up to the highest, the sum is that of the highest.
            for cost in hash.cost..self.cost() {
                std::hint::black_box(nobodys(cost).is_of(password));
                rounds += 1 << cost;
            }
        }
        (is_right, rounds)
    }

    /// The highest cost of all.
    fn cost(&self) -> u32 {
        self.0.values().map(|hash| hash.cost).max().unwrap_or(*COSTS.start())
    }
}

/// A hash that is made of no password.
fn nobodys(cost: u32) -> Hash {
    Hash { cost, salt: [0; 16], digest: [0; DIGEST] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(password: &str, cost: u32) -> Hash {
        let mut hash = nobodys(cost);
        hash.salt = *b"0123456789abcdef";
        let output = bcrypt::bcrypt(cost, hash.salt, &[password.as_bytes(), &[0]].concat());
        hash.digest.copy_from_slice(&output[..DIGEST]);
        hash
    }

    fn users(users: &[(&str, &str, u32)]) -> Users {
        Users(users.iter().map(|(name, password, cost)| ((*name).to_owned(), hashed(password, *cost))).collect())
    }

    #[test]
    fn what_other_programs_have_hashed() {
        // By libxcrypt 4.4.
        for (password, text) in [
            ("correct horse", "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"),
            ("", "$2b$06$......................87FI0dObGWr.m5fMupAk7D6mWQ3s70W"),
            ("p\u{e4}ss", "$2a$04$zzzzzzzzzzzzzzzzzzzzzemuaGSq1CPI08LLjgbhTO9O5CAKpFcqe"),
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            // bcrypt looks at no more than this.
            (&"x".repeat(80), "$2b$04$zzzzzzzzzzzzzzzzzzzzzeFJNinkmAl1RKlEfwNZ1bc1fQ.iffU3K"),
            (&"x".repeat(72), "$2b$04$zzzzzzzzzzzzzzzzzzzzzeFJNinkmAl1RKlEfwNZ1bc1fQ.iffU3K"),
        ] {
            let hash = Hash::parse(text).expect(text);
            assert!(hash.is_of(password.as_bytes()) && !hash.is_of(b"another"), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash() {
        for text in ["", "secret", "$2y$10$", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$1$a$b"]
        {
            assert!(Hash::parse(text).expect_err(text).starts_with("a password hashed with bcrypt"), "{text}");
        }
        let costly =
            Hash::parse("$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").expect_err("too costly");
        assert_eq!(costly, "a password hashed with a cost from 4 to 16, such as 10; this one has 17");
        assert_eq!(format!("{:?}", hashed("x", 4)), "Hash(***)");
    }

    #[test]
    fn whoever_is_wrong_costs_the_same() {
        let users = users(&[("quick", "one", 4), ("slow", "two", 6)]);
        assert_eq!(users.verify("quick", b"one"), (true, 1 << 4));
        assert_eq!(users.verify("slow", b"two"), (true, 1 << 6));
        for (name, password) in [("quick", "two"), ("slow", "one"), ("nobody", "one"), ("", ""), ("slow", "")] {
            assert_eq!(users.verify(name, password.as_bytes()), (false, 1 << 6), "{name}");
        }
        assert!(!users.verify("slow", "x".repeat(1000).as_bytes()).0);
    }

    #[test]
    fn a_hash_of_nobody_fits_no_password() {
        assert!(!users(&[("a", "b", 4)]).verify("nobody", b"").0);
        assert!(!Users::default().verify("", b"").0);
    }
}
