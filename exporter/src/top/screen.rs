//! The terminal: taken over, drawn on, and given back as it was, also after a panic.

use std::{
    io::{self, IsTerminal as _, Write as _},
    panic, thread,
};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    event::{self, Event},
    execute, queue,
    style::Print,
    terminal::{
        self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen,
    },
};
use tokio::sync::mpsc;

/// Keys that may wait.
const KEYS: usize = 16;

/// The terminal, as long as it is taken over. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// When standard output is no terminal, or it cannot be set up.
    pub fn open() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "standard output is no terminal"));
        }
        let hook = panic::take_hook();
        // What the panic says must not be lost with the screen.
        panic::set_hook(Box::new(move |info| {
            give_back();
            hook(info);
        }));
        terminal::enable_raw_mode()?;
        // From here on it is given back whatever happens.
        let screen = Self(());
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Columns and lines.
    ///
    /// # Errors
    ///
    /// When the terminal does not tell.
    pub fn size(&self) -> io::Result<(usize, usize)> {
        terminal::size().map(|(columns, lines)| (columns.into(), lines.into()))
    }

    /// Shows these lines instead of what there was. What else has written on the screen is gone.
    ///
    /// # Errors
    ///
    /// When the terminal is gone.
    pub fn show(&mut self, lines: &[String]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        queue!(output, BeginSynchronizedUpdate, MoveTo(0, 0), Clear(ClearType::FromCursorDown))?;
        queue!(output, Print(lines.join("\r\n")), EndSynchronizedUpdate)?;
        output.flush()
    }

    /// Keys, and changes of the size, until the terminal is gone.
    ///
    /// # Errors
    ///
    /// When the thread that waits for them cannot be started.
    pub fn events(&self) -> io::Result<mpsc::Receiver<Event>> {
        let (sender, events) = mpsc::channel(KEYS);
        thread::Builder::new().name("keys".to_owned()).spawn(move || {
            while let Ok(event) = event::read()
                && sender.blocking_send(event).is_ok()
            {}
        })?;
        Ok(events)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, if it is taken over.
fn give_back() {
    if terminal::is_raw_mode_enabled().unwrap_or(false) {
        // Where the terminal is gone nothing is left to do.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use doubleslit_testbed::terminal::Terminal;

    use super::*;

    /// Takes a terminal over and panics. What would give it back otherwise is left out.
    #[test]
    #[ignore = "is run on a terminal by the other test"]
    fn panics() {
        let mut screen = Screen::open().expect("a terminal");
        screen.show(&["shown".to_owned()]).expect("it is there");
        std::mem::forget(screen);
        panic!("as it was told");
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let test = std::env::current_exe().expect("this is one");
        let arguments = ["--ignored", "--exact", "--nocapture", "top::screen::tests::panics"];
        let mut terminal = Terminal::start(test, &arguments, &[], [80, 24]);
        assert!(!terminal.await_end().success());
        assert_eq!(terminal.frame(), ["shown"]);
        // What it says is behind the screen, where it stays.
        let written = terminal.written();
        let (_, behind) = written.rsplit_once("\u{1b}[?1049l").expect("the screen was left");
        assert!(behind.contains("as it was told"), "{written}");
    }
}
