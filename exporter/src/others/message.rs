//! What is said between the exporter and its helper.

use std::io::{self, Read, Write};

use super::{Look, UserFiles, own::LIST_BYTES};
use crate::namespaces::{Namespaces, Type};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Namespaces(u32),
    Users(u32),
    MachineUsers,
}

/// The longest answer that makes sense.
const ANSWER_BYTES: usize = LIST_BYTES as usize + 65536;

/// The length that stands for no answer.
const NOTHING: u32 = u32::MAX;

impl Request {
    /// Sends it.
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        let (kind, pid) = match self {
            Self::Namespaces(pid) => (0, pid),
            Self::Users(pid) => (1, pid),
            Self::MachineUsers => (2, 0),
        };
        let mut bytes = [kind; 5];
        bytes[1..].copy_from_slice(&pid.to_le_bytes());
        to.write_all(&bytes)
    }

    /// Waits for one.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 5];
        from.read_exact(&mut bytes)?;
        let [kind, pid @ ..] = bytes;
        let pid = u32::from_le_bytes(pid);
        match kind {
            0 => Ok(Self::Namespaces(pid)),
            1 => Ok(Self::Users(pid)),
            2 => Ok(Self::MachineUsers),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// What there is to say.
    pub(super) fn answer(self, look: &mut impl Look) -> Option<Vec<u8>> {
        match self {
            Self::Namespaces(pid) => look.namespaces(pid).map(|namespaces| encode(&namespaces)),
            Self::Users(pid) => look.users(pid).map(|UserFiles { mut uid_map, passwd }| {
                let mut bytes = Vec::with_capacity(4 + uid_map.len() + passwd.len());
                bytes.extend((uid_map.len() as u32).to_le_bytes());
                bytes.append(&mut uid_map);
                bytes.extend(passwd);
                bytes
            }),
            Self::MachineUsers => look.machine_users(),
        }
    }
}

/// Sends an answer.
pub(super) fn write_answer(to: &mut impl Write, answer: Option<&[u8]>) -> io::Result<()> {
    let length = answer.map_or(Ok(NOTHING), |bytes| u32::try_from(bytes.len()));
    to.write_all(&length.map_err(io::Error::other)?.to_le_bytes())?;
    to.write_all(answer.unwrap_or_default())
}

/// Waits for an answer.
pub(super) fn read_answer(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = match u32::from_le_bytes(length) {
        NOTHING => return Ok(None),
        length => length as usize,
    };
    if length > ANSWER_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// What is said of each namespace.
const OWN: u8 = 0;
const CHILDREN: u8 = 1;
const EMPTY: u8 = 2;

/// How many bytes that takes: its type, which of these it is, and its id.
const NAMESPACE_BYTES: usize = 10;

fn encode(namespaces: &Namespaces) -> Vec<u8> {
    let own = namespaces.own.iter().map(|(kind, id)| (*kind, OWN, *id));
    let children = namespaces.children.iter().map(|(kind, id)| match id {
        Some(id) => (*kind, CHILDREN, *id),
        None => (*kind, EMPTY, 0),
    });
    let mut bytes = Vec::new();
    for (kind, what, id) in own.chain(children) {
        bytes.extend([kind as u8, what]);
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Nothing for what is no such answer.
pub(super) fn namespaces(bytes: &[u8]) -> Option<Namespaces> {
    let mut namespaces = Namespaces::default();
    let (whole, rest) = bytes.as_chunks::<NAMESPACE_BYTES>();
    for &[kind, what, ref id @ ..] in whole {
        let kind = Type::ALL.into_iter().find(|each| *each as u8 == kind)?;
        let id = u64::from_le_bytes(*id);
        match what {
            OWN => drop(namespaces.own.insert(kind, id)),
            CHILDREN => drop(namespaces.children.insert(kind, Some(id))),
            EMPTY => drop(namespaces.children.insert(kind, None)),
            _ => return None,
        }
    }
    rest.is_empty().then_some(namespaces)
}

/// Nothing for what is no such answer.
pub(super) fn users(bytes: &[u8]) -> Option<UserFiles> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (uid_map, passwd) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some(UserFiles { uid_map: uid_map.to_vec(), passwd: passwd.to_vec() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug)]
    struct Known(Namespaces, UserFiles);

    impl Look for Known {
        fn namespaces(&mut self, pid: u32) -> Option<Namespaces> {
            (pid == 7).then(|| self.0.clone())
        }

        fn users(&mut self, pid: u32) -> Option<UserFiles> {
            (pid == 7).then(|| self.1.clone())
        }

        fn machine_users(&mut self) -> Option<Vec<u8>> {
            Some(b"machine".to_vec())
        }
    }

    fn told(request: Request, look: &mut Known) -> Option<Vec<u8>> {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        request.write(&mut asked).expect("memory");
        let understood = Request::read(&mut &*asked).expect("it is one");
        assert_eq!(understood, request);
        write_answer(&mut answered, understood.answer(look).as_deref()).expect("memory");
        read_answer(&mut &*answered).expect("it is one")
    }

    #[test]
    fn says_what_was_seen() {
        let namespaces = Namespaces {
            own: BTreeMap::from([(Type::Net, 4_026_531_840), (Type::Time, u64::MAX)]),
            children: BTreeMap::from([(Type::Pid, None), (Type::Time, Some(3))]),
        };
        let files = UserFiles { uid_map: b"0 0 1\n".to_vec(), passwd: b"root:x:0".to_vec() };
        let mut look = Known(namespaces.clone(), files.clone());
        let seen = told(Request::Namespaces(7), &mut look).and_then(|bytes| super::namespaces(&bytes));
        assert_eq!(seen, Some(namespaces));
        let seen = told(Request::Users(7), &mut look).and_then(|bytes| users(&bytes));
        assert_eq!(seen, Some(files));
        assert_eq!(told(Request::MachineUsers, &mut look), Some(b"machine".to_vec()));
        assert_eq!(told(Request::Namespaces(8), &mut look), None);
        assert_eq!(told(Request::Users(8), &mut look), None);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        assert!(Request::read(&mut &[9, 0, 0, 0, 0][..]).is_err());
        assert!(read_answer(&mut &(u32::MAX - 1).to_le_bytes()[..]).is_err());
        assert!(read_answer(&mut &[3, 0, 0, 0, 1][..]).is_err());
        for bytes in [&[0; 9][..], &[99, OWN, 0, 0, 0, 0, 0, 0, 0, 0], &[0, 9, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(namespaces(bytes), None);
        }
        assert_eq!(users(&[1, 0, 0]), None);
        assert_eq!(users(&[2, 0, 0, 0, b'x']), None);
    }
}
