//! `doubleslit run`.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigArguments, Failure, log, require};
use crate::{
    app::{self, Rereading},
    config::{Flags, Origin},
    web,
};

/// The flags of `run`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,

    /// Check the configuration, then exit: 0 when it is valid, else 2
    #[arg(long = "config.check")]
    config_check: bool,

    /// Address to listen on, `host:port` or `:port`; can be given more than once
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    listen_addresses: Vec<String>,

    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH")]
    telemetry_path: Option<String>,

    /// File with TLS, users and headers, as exporters of Prometheus share it
    #[arg(long = "web.config.file", value_name = "PATH")]
    web_config_file: Option<String>,

    /// Serve on the sockets that systemd hands over, and fail where there are none; where there are, they are served in any case
    #[arg(long = "web.systemd-socket")]
    systemd_socket: bool,

    /// Least important log lines that appear: error, warn, info, debug or trace
    #[arg(long = "log.level", value_name = "LEVEL")]
    log_level: Option<String>,

    /// Form of the log lines: text or json
    #[arg(long = "log.format", value_name = "FORMAT")]
    log_format: Option<String>,

    /// Keep counting while no exporter runs, and go on with what was counted meanwhile; `doubleslit unpin` ends it
    #[arg(long)]
    pin: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments {
        config,
        config_check,
        listen_addresses,
        telemetry_path,
        web_config_file,
        systemd_socket,
        log_level,
        log_format,
        pin,
    } = arguments;
    let flags = Flags {
        listen_addresses: listen_addresses.clone(),
        telemetry_path: telemetry_path.clone(),
        web_config_file: web_config_file.clone(),
        // Where systemd listens already, nobody else can.
        systemd_socket: *systemd_socket || web::has_passed(),
        log_level: log_level.clone(),
        log_format: log_format.clone(),
        pin: *pin,
    };
    let origin = Origin { file: config.config_file.clone(), flags };
    let (config, values) = origin.read().map_err(|error| Failure::Usage(error.into()))?;
    app::check(&config).map_err(|error| Failure::Usage(error.into()))?;
    if *config_check {
        println!("the configuration is valid");
        return Ok(ExitCode::SUCCESS);
    }
    let log = Box::new(log::start(config.log));
    require(&config)?;
    app::run(config, Rereading { origin, values, log }).map_err(|error| Failure::Failed(error.into()))?;
    Ok(ExitCode::SUCCESS)
}
