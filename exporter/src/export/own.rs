//! The table of the exporter's own metrics: everything but the counts of events.

/// What a metric's value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It never falls; the sample's name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were how large; the samples' names end in `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// A metric of the exporter itself.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, without `_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its labels. Some metrics of containers have the identity labels in front of these and others behind.
    pub labels: &'static [&'static str],
    /// Whether the identity labels come before the others.
    pub identified: bool,
    /// Its help text: one sentence without the final full stop.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($symbol:ident: $kind:ident $name:literal $($identified:ident)? [$($label:literal),*] $help:literal;)+) => {
        $(pub(super) static $symbol: Metric = Metric {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            identified: metrics!(@ $($identified)?),
            help: $help,
        };)+

        /// Every metric, in the order of the exposition.
        pub static METRICS: &[&Metric] = &[$(&$symbol),+];
    };
    (@) => { false };
    (@ identified) => { true };
}

metrics! {
    SYSCALL_INFO: Gauge "doubleslit_syscall_info" ["syscall", "class", "group"]
        "What the system calls are about that rows tell apart, to join on `syscall`; constant 1";
    EVENTS_COUNTED: Counter "doubleslit_events_counted" ["event"]
        "Everything that was ever counted: the rows that are exposed plus what was retired";
    EVENTS_RETIRED: Counter "doubleslit_events_retired" ["event"]
        "What was counted in rows that are no longer exposed, or for containers that are ignored";
    EVENTS_IGNORED: Counter "doubleslit_events_ignored" ["event"]
        "What was counted for containers that are ignored, if there are rules for that; doubleslit_events_retired_total has it too";
    COUNTS_FOLDED: Counter "doubleslit_counts_folded" ["metric", "reason"]
        "Increments that were kept in a row `other` instead of a row of their own";
    EVENTS_GENERATED: Counter "doubleslit_events_generated" ["event"]
        "Single events that happened while somebody listened: those received, lost, sampled out and filtered, and those still in the ring";
    EVENTS_RECEIVED: Counter "doubleslit_events_received" ["event"] "Single events that came to the exporter";
    EVENTS_LOST: Counter "doubleslit_events_lost" ["event", "reason"]
        "Single events that were lost: `ringbuf_full`, `queue_full`, or `decode` for a record that was not understood";
    EVENTS_SAMPLED_OUT: Counter "doubleslit_events_sampled_out" ["event"]
        "Single events that the kernel did not send because of sampling";
    EVENTS_FILTERED: Counter "doubleslit_events_filtered" ["event"]
        "Single events that a filter in the kernel kept out";
    EVENTS_MISSED: Counter "doubleslit_events_missed" ["subscriber"]
        "Single events that a subscriber missed because it was slow; told as soon as it goes on";
    RINGBUF_SIZE: Gauge "doubleslit_ringbuf_size_bytes" ["ringbuf"] "Size of the ring between kernel and exporter";
    RINGBUF_USED: Gauge "doubleslit_ringbuf_used_bytes" ["ringbuf"] "Bytes that waited in the ring when it was last read";
    CONTAINERS: Gauge "doubleslit_containers" ["runtime"] "Containers that run";
    CONTAINER_INFO: Gauge "doubleslit_container_info" identified
        ["runtime", "image", "image_id", "pod_uid", "qos", "cgroup_id", "cgroup_path"]
        "Identity of a container that runs or whose rows are still exposed; constant 1";
    CONTAINER_START_TIME: Gauge "doubleslit_container_start_time_seconds" identified []
        "When the container started, in seconds since the epoch";
    COUNTS_START_TIME: Gauge "doubleslit_counts_start_time_seconds" []
        "When counting began, in seconds since the epoch: with the exporter, unless one before it has pinned the counts";
    CONFIG_RELOAD_SUCCESSFUL: Gauge "doubleslit_config_last_reload_successful" []
        "Whether the configuration could be taken over when it was last read; if not, the one before applies";
    CONFIG_RELOAD_TIME: Gauge "doubleslit_config_last_reload_success_timestamp_seconds" []
        "When the configuration was last taken over, in seconds since unix epoch";
    PIN_INFO: Gauge "doubleslit_pin_info" ["state"]
        "Whether the counts outlive the exporter: `off`, `new` for those that began with it, `continued` for those of one before; constant 1";
    SANDBOX_ACTIVE: Gauge "doubleslit_sandbox_active" ["layer"]
        "Whether the exporter has taken from itself what the layer takes: `capabilities`, `no_new_privs`, `landlock`, `seccomp`; and whether its `helper` looks at other processes instead";
    SANDBOX_INFO: Gauge "doubleslit_sandbox_info" ["layer", "state", "detail"]
        "What is left of a layer's rights, or why it is not there; constant 1";
    PROBE_UP: Gauge "doubleslit_probe_up" ["probe"] "Whether every program of the probe is attached";
    PROBE_INFO: Gauge "doubleslit_probe_info" ["probe", "attach", "state", "reason"]
        "How a probe is attached, or why it is not; constant 1";
    EVENT_INFO: Gauge "doubleslit_event_info" ["event", "attach", "state", "reason"]
        "How single events of a kind are had that are wanted, or why they are not; constant 1";
    PROGRAM_INFO: Gauge "doubleslit_bpf_program_info" ["program", "id", "kind", "attach"]
        "BPF programs that are loaded; constant 1";
    PROGRAM_MISSES: Counter "doubleslit_bpf_program_misses" ["program"]
        "Runs that the kernel skipped to prevent recursion: events without an owner";
    PROGRAM_RUNS: Counter "doubleslit_bpf_program_runs" ["program"]
        "Runs of the program, while the kernel measured them";
    PROGRAM_RUN_TIME: Counter "doubleslit_bpf_program_run_time_seconds" ["program"]
        "Time spent in the program, while the kernel measured it";
    STATS_ENABLED: Gauge "doubleslit_bpf_stats_enabled" [] "Whether this exporter has the kernel measure BPF programs";
    MAP_ENTRIES: Gauge "doubleslit_bpf_map_entries" ["map"] "Entries that the map held when it was last read";
    MAP_CAPACITY: Gauge "doubleslit_bpf_map_capacity" ["map"] "Entries that the map can hold";
    MAP_READ_DURATION: Gauge "doubleslit_bpf_map_read_duration_seconds" ["map"] "How long the last read of the map took";
    MAP_UPDATE_ERRORS: Counter "doubleslit_bpf_map_update_errors" ["map", "reason"]
        "Updates of a map that failed in a BPF program";
    POLL_DURATION: Gauge "doubleslit_poll_duration_seconds" [] "How long the last read of all maps took";
    POLL_KEYS: Gauge "doubleslit_poll_keys" ["map"] "Keys that the last read of the map returned";
    POLL_SYSCALLS: Gauge "doubleslit_poll_syscalls" ["map"] "System calls that the last read of the map took";
    POLL_FAILURES: Counter "doubleslit_poll_failures" []
        "Reads of the maps that failed; meanwhile the last counts are served";
    IDENTITY_ENTRIES: Gauge "doubleslit_identity_entries" [] "Cgroups that are known";
    IDENTITY_UNRESOLVED: Gauge "doubleslit_identity_unresolved" []
        "Running containers of which the id is known but not the name";
    SOURCE_UP: Gauge "doubleslit_source_up" ["source"] "Whether a source of names that has a socket answers";
    IDENTITY_FAILURES: Counter "doubleslit_identity_resolution_failures" ["source", "reason"]
        "Files about containers that could not be used, by source";
    OTLP_ACCEPTED: Counter "doubleslit_otlp_log_records_accepted" []
        "Events to be sent by OTLP as log records: each is exported, rejected, failed, dropped, or in the queue";
    OTLP_EXPORTED: Counter "doubleslit_otlp_log_records_exported" [] "Log records that the collector acknowledged";
    OTLP_REJECTED: Counter "doubleslit_otlp_log_records_rejected" []
        "Log records that the collector refused in a request that it acknowledged";
    OTLP_FAILED: Counter "doubleslit_otlp_log_records_failed" [] "Log records in requests that were given up";
    OTLP_DROPPED: Counter "doubleslit_otlp_log_records_dropped" ["reason"] "Log records that were never sent";
    OTLP_QUEUED: Gauge "doubleslit_otlp_queue_length" [] "Log records that wait to be sent, or are under way";
    OTLP_QUEUE_BYTES: Gauge "doubleslit_otlp_queue_bytes" [] "Bytes of these";
    OTLP_QUEUE_CAPACITY: Gauge "doubleslit_otlp_queue_capacity_bytes" [] "Bytes that may wait";
    OTLP_REQUESTS: Counter "doubleslit_otlp_requests" ["signal", "outcome"]
        "Requests sent by OTLP; one that is sent again counts again";
    OTLP_REQUEST_DURATION: Counter "doubleslit_otlp_request_duration_seconds" ["signal"] "How long these took, all together";
    WEB_CONNECTIONS: Gauge "doubleslit_web_connections" [] "Connections by TCP that are open";
    WEB_REFUSED: Counter "doubleslit_web_refused" ["reason"] "Requests and connections that were turned away";
    WEB_CONFIG_GOOD: Gauge "doubleslit_web_config_last_reload_successful" []
        "Whether the web configuration is in use as it is now, if there is one";
    BUILD_INFO: Gauge "doubleslit_build_info" ["version", "target"] "The exporter's build; constant 1";
    PROCESS_CPU: Counter "process_cpu_seconds" [] "Total user and system CPU time spent in seconds";
    PROCESS_OPEN_FDS: Gauge "process_open_fds" [] "Number of open file descriptors";
    PROCESS_MAX_FDS: Gauge "process_max_fds" [] "Maximum number of open file descriptors";
    PROCESS_VIRTUAL_MEMORY: Gauge "process_virtual_memory_bytes" [] "Virtual memory size in bytes";
    PROCESS_RESIDENT_MEMORY: Gauge "process_resident_memory_bytes" [] "Resident memory size in bytes";
    PROCESS_START_TIME: Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds";
    SCRAPE_SERIES: Gauge "doubleslit_scrape_series" [] "Series in this scrape";
    SCRAPE_DURATION: Gauge "doubleslit_scrape_duration_seconds" []
        "How long this scrape took up to this line, the wait for a fresh read of the maps included";
}
