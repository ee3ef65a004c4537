//! The command `doubleslit-grafana`: what the image that stands in for Grafana's runs. It provisions what is mounted where Grafana looks
//! for it, and answers at port 3000.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use anyhow::{Context as _, Result};
use doubleslit_testbed::grafana::Grafana;

fn main() -> Result<()> {
    let grafana = Grafana::provisioned(Path::new("/etc/grafana/provisioning"))?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 3000)).context("cannot listen at port 3000")?;
    grafana.serve(&listener).context("cannot listen any more")
}
