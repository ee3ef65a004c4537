//! Whether anybody reads what is printed.

use std::{future, io, thread};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Ends when nobody reads standard output any more, though nothing be written.
///
/// # Errors
///
/// When the thread that waits for it cannot be started.
pub fn unread() -> io::Result<impl Future<Output = ()>> {
    let (sender, unread) = oneshot::channel();
    thread::Builder::new().name("unread".to_owned()).spawn(move || {
        let output = io::stdout();
        // An error, which is what a pipe without a reader has, is told whether it is asked for or not.
        let wait = || poll(&mut [PollFd::new(&output, PollFlags::empty())], None);
        if rustix::io::retry_on_intr(wait).is_ok() {
            // The end may have come in another way.
            let _ = sender.send(());
        }
    })?;
    Ok(async {
        if unread.await.is_err() {
            future::pending().await
        }
    })
}
