use std::{sync::Arc, time::UNIX_EPOCH};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use doubleslit_common::{
    kind::Kind,
    probes::{signal, syscall},
};

use super::{
    board::Board,
    order::Column,
    panel::{Panel, Wish},
    *,
};
use crate::{
    counts::{
        fake::subject,
        snapshot::{Lifecycle, Snapshot, Subject},
    },
    identity::{Runtime, Scope, ignore::Pattern},
};

const WEB: [&str; 4] = ["", "", "web", "7de99b5f7430a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f70819203"];
const POD: [&str; 4] = ["shop", "cart-1", "app", "e46bdebfac6a0718293a4b5c6d7e8f901a2b3c4d5e6f708192037de99b5f7430"];
const HOST: [&str; 4] = [""; 4];

fn snapshot(subjects: Vec<Arc<Subject>>) -> Snapshot {
    Snapshot { subjects, ..Snapshot::default() }
}

/// The machine so many seconds after a beginning at which it had counted before.
fn events(seconds: u64) -> Snapshot {
    let kill = signal::detail(9, 0);
    let web = [
        (Kind::Exec, 0, 1000 + 10 * seconds),
        (Kind::SignalGenerate, kill, 5 + 2 * seconds),
        (Kind::SignalGenerate, signal::detail(15, 0), 3 * seconds),
        (Kind::OomKill, 0, 1),
    ];
    // Less and less.
    let pod = [(Kind::Fork, 0, (0..seconds).map(|second| 20 - second).sum())];
    let host = [(Kind::Exit, 0, 7), (Kind::Exit, 1, 100 * seconds)];
    let start = Lifecycle {
        namespace: String::new(),
        pod: String::new(),
        container: "web".to_owned(),
        runtime: Runtime::Docker,
        extra: [].into(),
        created: UNIX_EPOCH,
        starts: seconds.min(1),
        stops: 0,
    };
    Snapshot {
        lifecycles: vec![Arc::new(start)],
        ..snapshot(vec![
            subject(Scope::Host, HOST, &host),
            subject(Scope::Container, WEB, &web),
            subject(Scope::Container, POD, &pod),
        ])
    }
}

fn calls(seconds: u64) -> Snapshot {
    let openat = libc::SYS_openat.unsigned_abs() as u32;
    let counts = [
        (Kind::Syscall, syscall::detail(openat, -2), 8 * seconds),
        (Kind::Syscall, syscall::detail(openat, 3), seconds),
        (Kind::Exec, 0, 3 * seconds),
    ];
    snapshot(vec![subject(Scope::Container, WEB, &counts)])
}

fn options(view: View) -> Options {
    Options {
        view,
        interval: Duration::from_secs(2),
        order: Order { column: Column::Rate, is_reversed: false },
        selection: Selection::default(),
        rows: None,
        is_colored: false,
    }
}

/// What is shown after four intervals.
fn panel(options: Options) -> Panel {
    let counted = if options.view == View::Events { events } else { calls };
    let mut panel = Panel::new(options, &counted(0));
    for step in 1..=4 {
        panel.add(&counted(2 * step), 2.0);
    }
    panel
}

fn press(panel: &mut Panel, codes: &[KeyCode]) {
    for code in codes {
        assert_eq!(panel.press(KeyEvent::new(*code, KeyModifiers::NONE)), Wish::Stay, "{code:?}");
    }
}

fn lines(panel: &Panel, width: usize, height: usize) -> Vec<String> {
    panel.lines(width, height).iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The names and the events of the rows.
fn rows(panel: &Panel) -> Vec<String> {
    panel.rows().iter().map(|row| format!("{} {}", row.owner.name(), row.what.name)).collect()
}

#[test]
fn a_table_of_events() {
    assert_eq!(
        lines(&panel(options(View::Events)), 100, 9),
        [
            "doubleslit top: events  128.5/s  every 2s",
            "CONTAINER        ID            EVENT              RATE/S▼     COUNT      TOTAL  HISTORY",
            "host                           exit                 100.0       200        800              ████",
            "shop/cart-1/app  e46bdebfac6a  fork                  13.5        27        132              ██▇▆",
            "web              7de99b5f7430  exec                  10.0        20         80              ████",
            "web              7de99b5f7430  signal_generate        5.0        10         40              ████",
            "web                            container_start        0.0         0          1              █",
            "",
            "q quit  ←→ sort  r reverse  / filter  p pause  s system calls  +- interval",
        ]
    );
}

#[test]
fn a_table_of_calls() {
    assert_eq!(
        lines(&panel(options(View::Calls)), 100, 5),
        [
            "doubleslit top: system calls  9.0/s  every 2s",
            "CONTAINER  ID            SYSCALL  ERRNO     RATE/S▼     COUNT      TOTAL  HISTORY",
            "web        7de99b5f7430  openat   ENOENT        8.0        16         64              ████",
            "web        7de99b5f7430  openat   OK            1.0         2          8              ████",
            "q quit  ←→ sort  r reverse  / filter  p pause  s events  +- interval",
        ]
    );
}

#[test]
fn narrow_terminals_lose_columns_then_letters() {
    let panel = panel(options(View::Events));
    for (width, expected) in [
        (96, "CONTAINER        ID            EVENT              RATE/S▼     COUNT      TOTAL  HISTORY"),
        (95, "CONTAINER        EVENT              RATE/S▼     COUNT      TOTAL  HISTORY"),
        (81, "CONTAINER        EVENT              RATE/S▼      TOTAL  HISTORY"),
        (71, "CONTAINER        EVENT              RATE/S▼  HISTORY"),
        (60, "CONTAINER        EVENT              RATE/S▼"),
    ] {
        assert_eq!(lines(&panel, width, 9)[1], expected, "{width}");
    }
    assert_eq!(
        lines(&panel, 38, 8),
        [
            "doubleslit top: events  128.5/s  ever…",
            "CONTAINER   EVENT              RATE/S▼",
            "host        exit                 100.0",
            "shop/cart…  fork                  13.5",
            "web         exec                  10.0",
            "web         signal_generate        5.0",
            "web         container_start        0.0",
            "q quit  ←→ sort  r reverse  / filter …",
        ]
    );
    for width in 0..120 {
        for height in 0..12 {
            let lines = panel.lines(width, height);
            assert_eq!(lines.len(), height);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:#?}");
        }
    }
}

#[test]
fn rows_are_sorted_by_any_column() {
    let mut panel = panel(options(View::Events));
    let by_rate = ["host exit", "shop/cart-1/app fork", "web exec", "web signal_generate", "web container_start"]
        .map(str::to_owned);
    assert_eq!(rows(&panel), by_rate);
    press(&mut panel, &[KeyCode::Char('r')]);
    let reversed: Vec<_> = by_rate.iter().rev().cloned().collect();
    assert_eq!(rows(&panel), reversed);
    assert!(lines(&panel, 100, 9)[1].contains(" RATE/S▲ "));
    press(&mut panel, &[KeyCode::Char('r'), KeyCode::Right]);
    assert_eq!(
        rows(&panel),
        ["host exit", "shop/cart-1/app fork", "web exec", "web signal_generate", "web container_start"],
        "by total"
    );
    press(&mut panel, &[KeyCode::Left, KeyCode::Left]);
    assert_eq!(
        rows(&panel),
        ["web container_start", "web exec", "host exit", "shop/cart-1/app fork", "web signal_generate"],
        "by event"
    );
    press(&mut panel, &[KeyCode::Left]);
    assert_eq!(
        rows(&panel),
        ["host exit", "shop/cart-1/app fork", "web exec", "web signal_generate", "web container_start"],
        "by container"
    );
    press(&mut panel, &[KeyCode::Left]);
    assert!(lines(&panel, 100, 9)[1].contains(" TOTAL▼ "));
}

#[test]
fn rows_are_filtered() {
    let mut panel = panel(options(View::Events));
    press(&mut panel, &["/", "e", "x", "q"].map(|key| KeyCode::Char(key.chars().next().expect("a key"))));
    assert_eq!(rows(&panel), [""; 0]);
    assert_eq!(lines(&panel, 100, 9)[0], "doubleslit top: events  0.0/s  every 2s");
    press(&mut panel, &[KeyCode::Backspace]);
    assert_eq!(rows(&panel), ["host exit", "web exec"]);
    assert_eq!(lines(&panel, 100, 9)[8], "filter: ex_  (Enter: keep, Esc: none)");
    press(&mut panel, &[KeyCode::Enter]);
    assert_eq!(lines(&panel, 100, 9)[0], "doubleslit top: events  110.0/s  every 2s  with `ex`");
    press(&mut panel, &[KeyCode::Esc]);
    assert_eq!(rows(&panel).len(), 5);

    let selected = |names: &[&str], ids: &[&str]| {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).expect("a pattern")).collect();
        let selection = Selection { names: patterns(names), ids: patterns(ids) };
        rows(&self::panel(Options { selection, ..options(View::Events) }))
    };
    assert_eq!(selected(&["w*"], &[]), ["web exec", "web signal_generate", "web container_start"]);
    assert_eq!(selected(&[], &["e46bdebfac6a*"]), ["shop/cart-1/app fork"]);
    assert_eq!(selected(&["nobody"], &["e46bdebfac6a*"]), ["shop/cart-1/app fork"]);

    let few = self::panel(Options { rows: Some(1), ..options(View::Events) });
    assert_eq!(lines(&few, 100, 9).iter().filter(|line| line.contains("████")).count(), 1);
}

#[test]
fn a_pause_holds_what_is_shown_and_misses_nothing() {
    let mut panel = panel(options(View::Events));
    let total = |panel: &Panel| panel.rows().iter().map(|row| row.total).sum::<u64>();
    press(&mut panel, &[KeyCode::Char('p')]);
    assert!(lines(&panel, 100, 9)[0].ends_with("  paused"));
    let before = lines(&panel, 100, 9);
    panel.add(&events(10), 2.0);
    assert_eq!(lines(&panel, 100, 9), before);
    assert_eq!(total(&panel), 800 + 132 + 80 + 40 + 1);
    press(&mut panel, &[KeyCode::Char(' ')]);
    assert_eq!(total(&panel), 1000 + 155 + 100 + 50 + 1);
}

#[test]
fn keys_change_the_interval_within_limits() {
    let mut panel = panel(options(View::Events));
    let mut after = |key, times| {
        press(&mut panel, &vec![KeyCode::Char(key); times]);
        panel.interval()
    };
    assert_eq!(after('+', 1), Duration::from_secs(4));
    assert_eq!(after('+', 9), Duration::from_secs(64));
    assert_eq!(after('-', 99), Duration::from_millis(250));
    let long = Duration::from_secs(600);
    let mut long = self::panel(Options { interval: long, ..options(View::Events) });
    press(&mut long, &[KeyCode::Char('+')]);
    assert_eq!(long.interval(), Duration::from_secs(600));
}

#[test]
fn keys_end_and_switch() {
    let mut panel = panel(options(View::Events));
    let mut wish = |code, modifiers| panel.press(KeyEvent::new(code, modifiers));
    assert_eq!(wish(KeyCode::Char('q'), KeyModifiers::NONE), Wish::Quit);
    assert_eq!(wish(KeyCode::Char('c'), KeyModifiers::CONTROL), Wish::Quit);
    assert_eq!(wish(KeyCode::Char('s'), KeyModifiers::NONE), Wish::Switch);
    assert_eq!(wish(KeyCode::Tab, KeyModifiers::NONE), Wish::Switch);
    assert_eq!(wish(KeyCode::Char('/'), KeyModifiers::NONE), Wish::Stay);
    assert_eq!(wish(KeyCode::Char('q'), KeyModifiers::NONE), Wish::Stay, "it is typed");
    assert_eq!(wish(KeyCode::Char('c'), KeyModifiers::CONTROL), Wish::Quit);

    panel.switch(&calls(0));
    press(&mut panel, &[KeyCode::Esc]);
    assert_eq!((panel.view(), rows(&panel)), (View::Calls, Vec::new()));
    panel.add(&calls(1), 1.0);
    assert_eq!(rows(&panel), ["web openat", "web openat"]);
}

#[test]
fn colours_change_no_text() {
    let plain = panel(options(View::Events)).lines(100, 9);
    let colored = panel(Options { is_colored: true, ..options(View::Events) }).lines(100, 9);
    assert!(plain.iter().all(|line| !line.contains('\u{1b}')), "{plain:?}");
    for (plain, colored) in plain.iter().zip(&colored) {
        let (style, rest) = colored.split_once('m').expect("a style");
        assert!(["\u{1b}[1", "\u{1b}[2", "\u{1b}[7", "\u{1b}[32"].contains(&style), "{colored:?}");
        assert_eq!(rest.strip_suffix("\u{1b}[0m"), Some(plain.as_str()));
    }
}

#[test]
fn names_steer_no_terminal() {
    let evil = ["", "", "a\u{1b}[2Jb\n", "x"];
    let mut panel = Panel::new(options(View::Events), &Snapshot::default());
    panel.add(&snapshot(vec![subject(Scope::Container, evil, &[(Kind::Exec, 0, 1)])]), 1.0);
    let lines = panel.lines(80, 4);
    assert!(lines[2].starts_with("a\\u{1b}[2Jb\\n "), "{lines:?}");
}

/// A name that comes later begins new rows in the snapshot, whose counts are those of the same container.
#[test]
fn a_container_that_gets_its_name_stays_one_row() {
    let nameless = ["", "", "", WEB[3]];
    let before = subject(Scope::Container, nameless, &[(Kind::Exec, 0, 100)]);
    let mut board = Board::new(View::Events, &snapshot(vec![Arc::clone(&before)]));
    let after = subject(Scope::Container, WEB, &[(Kind::Exec, 0, 7)]);
    board.add(&snapshot(vec![before, after]), 1.0);
    let rows = board.rows();
    assert_eq!(rows.iter().map(|row| (row.owner.name(), row.count)).collect::<Vec<_>>(), [("web".to_owned(), 7)]);
}

#[test]
fn what_is_gone_leaves_when_its_history_is_empty() {
    let web = |count| snapshot(vec![subject(Scope::Container, WEB, &[(Kind::Exec, 0, count)])]);
    let mut board = Board::new(View::Events, &web(5));
    board.add(&web(6), 1.0);
    for _ in 0..board::HISTORY - 1 {
        board.add(&Snapshot::default(), 1.0);
        assert_eq!(board.rows().iter().map(|row| (row.count, row.total)).collect::<Vec<_>>(), [(0, 1)]);
    }
    board.add(&Snapshot::default(), 1.0);
    assert_eq!(board.rows(), []);
    // A row of the same name that is there later has counted all that it says.
    board.add(&web(3), 1.0);
    board.add(&web(2), 1.0);
    assert_eq!(board.rows().iter().map(|row| (row.count, row.total)).collect::<Vec<_>>(), [(2, 5)]);
}
