use rustix::event::{EventfdFlags, eventfd};

use super::*;

fn heard() -> Heard {
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd");
    Heard::new(Name::DockerApi, Arc::default(), Arc::new(wake))
}

fn named(name: &str) -> Told {
    Told::Facts(Box::new(Facts { container: name.to_owned(), ..Facts::default() }))
}

fn name(name: &str) -> impl FnOnce(&mut Facts) {
    move |facts| name.clone_into(&mut facts.container)
}

/// How often it was woken since this was last called.
fn wakes(heard: &Heard) -> u64 {
    let mut count = [0; 8];
    rustix::io::read(&*heard.wake, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
}

#[test]
fn news_is_what_somebody_was_not_told() {
    let heard = heard();
    heard.update("a", name("one"));
    assert_eq!((heard.news(), wakes(&heard)), (vec![], 0));
    assert_eq!(heard.tell("a", true), named("one"));
    heard.update("a", name("one"));
    assert_eq!((heard.news(), wakes(&heard)), (vec![], 0));
    heard.update("a", name("two"));
    heard.update("a", name("three"));
    assert_eq!((heard.news(), wakes(&heard)), (vec!["a".to_owned()], 1));
    assert_eq!((heard.news(), wakes(&heard)), (vec![], 0));
    assert_eq!(heard.tell("a", true), named("three"));
    heard.amend("a", name("four"));
    assert_eq!((heard.news(), wakes(&heard)), (vec!["a".to_owned()], 1));
}

#[tokio::test]
async fn asks_once() {
    let heard = heard();
    assert_eq!(heard.tell("a", false), Told::Nothing);
    assert_eq!(heard.tell("b", true), Told::Asked);
    assert_eq!(heard.tell("b", true), Told::Asked);
    assert_eq!(heard.tell("c", true), Told::Asked);
    assert_eq!((heard.asked().await, heard.asked().await), ("b".to_owned(), "c".to_owned()));
    assert_eq!(heard.lock().asked.len(), 0);
    heard.update("b", name("one"));
    heard.gone("c");
    let mut news = heard.news();
    news.sort();
    assert_eq!((news, wakes(&heard)), (vec!["b".to_owned(), "c".to_owned()], 2));
    assert_eq!((heard.tell("b", true), heard.tell("c", true)), (named("one"), Told::Nothing));
}

#[tokio::test]
async fn wakes_whoever_waits_for_a_question() {
    let heard = Arc::new(heard());
    let waiting = tokio::spawn({
        let heard = Arc::clone(&heard);
        async move { heard.asked().await }
    });
    tokio::task::yield_now().await;
    heard.tell("a", true);
    assert_eq!(waiting.await.expect("a question"), "a");
}

#[test]
fn amends_only_what_is_known() {
    let heard = heard();
    heard.amend("a", name("one"));
    heard.tell("b", true);
    heard.amend("b", name("one"));
    assert_eq!((heard.get("a"), heard.tell("b", true)), (None, Told::Asked));
}

#[test]
fn says_who_is_gone_once() {
    let heard = heard();
    for id in ["a", "b", "c"] {
        heard.update(id, name(id));
    }
    let there = HashSet::from(["a".to_owned()]);
    let mut gone = heard.only(&there);
    gone.sort();
    assert_eq!((gone, heard.only(&there)), (vec!["b".to_owned(), "c".to_owned()], vec![]));
    heard.update("b", name("again"));
    assert_eq!(heard.only(&there), ["b"]);
    assert_eq!(heard.tell("c", true), named("c"));
}

#[test]
fn forgets_who_is_gone_for_long() {
    let heard = heard();
    heard.update("a", name("a"));
    heard.update("b", name("b"));
    heard.gone("a");
    let mut memory = heard.lock();
    memory.forget_old(Instant::now());
    assert_eq!(memory.containers.len(), 2);
    memory.forget_old(Instant::now() + KEPT + Duration::from_secs(1));
    assert_eq!(memory.containers.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(memory.bytes, memory.containers["b"].size());
}

#[test]
fn is_bounded_in_number() {
    let heard = heard();
    for number in 0..CONTAINERS {
        heard.update(&number.to_string(), name("x"));
    }
    heard.update("more", name("x"));
    assert_eq!((heard.get("more"), heard.tell("even more", true)), (None, Told::Nothing));
    heard.gone("7");
    heard.update("more", name("x"));
    assert_eq!((heard.get("7"), heard.get("more").is_some()), (None, true));
    assert_eq!(heard.lock().containers.len(), CONTAINERS);
}

#[test]
fn is_bounded_in_size() {
    let heard = heard();
    let large = "x".repeat(BYTES / 4);
    for id in ["a", "b", "c", "d"] {
        heard.update(id, name(&large));
    }
    assert_eq!(heard.get("d"), None);
    heard.gone("a");
    heard.update("d", name(&large));
    assert_eq!(["a", "b", "c", "d"].map(|id| heard.get(id).is_some()), [false, true, true, true]);
    let memory = heard.lock();
    assert_eq!(memory.bytes, memory.containers.values().map(Container::size).sum::<usize>());
}

#[test]
fn questions_of_long_ago_are_dropped() {
    let heard = heard();
    for number in 0..=CONTAINERS {
        heard.tell(&number.to_string(), true);
    }
    let memory = heard.lock();
    assert_eq!((memory.asked.len(), memory.containers.len()), (CONTAINERS, CONTAINERS));
    assert_eq!(memory.asked.front().map(String::as_str), Some("1"));
}
