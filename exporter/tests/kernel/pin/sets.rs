//! What is pinned, who may use it, when it is replaced, and how it goes.

use doubleslit_testbed::{bpffs::BpfFs, exporter::free_address};

use super::{pinned, sets, state, unpin};
use crate::{
    bpf_objects::{await_gone, bpf_objects, is_there},
    harness::{docker, rows, setup},
};

#[test]
#[ignore = "needs root and BTF"]
fn it_is_removed_as_a_whole() {
    let there = BpfFs::mount();
    assert_eq!(unpin(&there), (true, "nothing is pinned in /sys/fs/bpf/doubleslit\n".to_owned()));
    let mut exporter = pinned(&there).start();
    exporter.scrape();
    let objects = bpf_objects(exporter.pid());
    let (succeeds, text) = unpin(&there);
    assert!(!succeeds && text.contains("an exporter that runs uses"), "{text}");
    drop(exporter.stop());
    let kept: std::collections::BTreeSet<_> = objects.into_iter().filter(is_there).collect();
    assert!(kept.iter().any(|(kind, _)| kind == "prog"), "programs stay: {kept:?}");
    assert_eq!(sets(&there).len(), 1);
    let (succeeds, text) = unpin(&there);
    assert!(succeeds && text.contains(" programs, 8 maps"), "{text}");
    await_gone(&kept);
    assert!(!there.path("doubleslit").exists());
    assert_eq!(unpin(&there), (true, "nothing is pinned in /sys/fs/bpf/doubleslit\n".to_owned()));
}

#[test]
#[ignore = "needs root and BTF"]
fn there_is_one_exporter_at_a_time() {
    let there = BpfFs::mount();
    let mut a = docker().load("alpha", &[]);
    let mut first = pinned(&there).start();
    let mut second = pinned(&there).launch(free_address());
    assert_eq!(second.await_end().code(), Some(1));
    assert!(second.log().contains("an exporter that runs uses what is pinned"), "{}", second.log());
    // One without pins is nobody's trouble.
    let mut other = setup().start();
    for exporter in [&mut first, &mut other] {
        let change = exporter.during(|| drop(a.load.run("exec 100")));
        assert_eq!(rows(&change, &a).0["process_execs"], 100.0);
    }
    assert_eq!((state(&first.scrape()), state(&other.scrape())), ("new", "off"));
}

#[test]
#[ignore = "needs root and BTF"]
fn other_settings_begin_anew() {
    let there = BpfFs::mount();
    let mut a = docker().load("alpha", &[]);
    let mut first = pinned(&there).start();
    a.load.run("exec 100");
    let counted = rows(&first.scrape(), &a).0["process_execs"];
    drop(first.stop());
    let before = sets(&there);

    // What is decided in userspace may differ, probes that are off too.
    let mut second = pinned(&there).config("probes: {tcp: false}\nretention: {grace: 1s}").start();
    let scrape = second.scrape();
    assert_eq!((state(&scrape), rows(&scrape, &a).0["process_execs"]), ("continued", counted));
    assert_eq!(scrape.matching("doubleslit_bpf_program_info", &[("program", "tcp_retransmit")]).count(), 0);
    assert!(!there.path("doubleslit").join(&before[0]).join("link_tcp_retransmit").exists());
    drop(second.stop());

    let mut third = pinned(&there).config("maps: {counts: 10000}").start();
    let scrape = third.scrape();
    assert_eq!(state(&scrape), "new");
    assert!(!rows(&scrape, &a).0.contains_key("process_execs") || rows(&scrape, &a).0["process_execs"] == 0.0);
    assert!(third.log().contains("counting begins anew"), "{}", third.log());
    let after = sets(&there);
    assert!(after.len() == 1 && after != before, "{before:?} was replaced by {after:?}");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_start_that_fails_leaves_nothing() {
    let there = BpfFs::mount();
    // The kernel refuses programs there, when everything else is attached.
    let mut exporter = pinned(&there).config("tracepoints: ['ftrace:function']").launch(free_address());
    assert_eq!(exporter.await_end().code(), Some(1));
    assert!(exporter.log().contains("cannot attach to the tracepoint `ftrace:function`"), "{}", exporter.log());
    assert_eq!(sets(&there), Vec::<String>::new());

    let mut exporter = pinned(&there).config("bpf: {pin_path: /tmp/doubleslit}").launch(free_address());
    assert_eq!(exporter.await_end().code(), Some(1));
    assert!(exporter.log().contains("`mount -t bpf bpf /sys/fs/bpf` mounts one"), "{}", exporter.log());
}
