//! Loads: exactly N of one thing, over and done when the call returns.

pub mod bench;
pub mod command;
pub mod image;
pub mod process;
pub mod script;
pub mod serve;
pub mod signal;
pub mod sleep;
pub mod syscall;
pub mod tcp;

use anyhow::Result;

use command::Command;
use image::Image;

/// Does what a command says and returns when all its effects are over: children reaped, connections closed at both ends
/// as far as this network namespace tells. The text is the answer to the commands that have one.
pub fn run(command: Command, image: &Image) -> Result<String> {
    match command {
        Command::Exec { count } => process::exec(image, count)?,
        Command::Execveat { count } => process::execveat(image, count)?,
        Command::ExecByThread { count } => process::exec_by_thread(image, count)?,
        Command::ExecMissing { count } => process::exec_missing(count)?,
        Command::Exit { status, count } => process::exit(status, count)?,
        Command::Die { signal, count } => process::die(signal, count)?,
        Command::Fault { count } => process::fault(count)?,
        Command::Leave { status } => {
            image.remove();
            process::leave(status)
        }
        Command::Threads { count } => process::threads(count),
        Command::Hog { mebibytes } => return process::hog(mebibytes),
        Command::Signal { signal, count } => signal::to_self(signal, count)?,
        Command::Ignored { signal, count } => signal::ignored(signal, count)?,
        Command::Timer { signal, count } => signal::by_timer(signal, count)?,
        Command::SignalTo { pid, signal, count } => signal::to_other(pid, signal, count)?,
        Command::Handle { signal } => signal::handle(signal)?,
        Command::Handled { signal, count } => signal::await_handled(signal, count)?,
        Command::Listen { address, order } => tcp::listen(address, order)?,
        Command::Connect { address, order, count } => tcp::connect(address, order, count)?,
        Command::ConnectRefused { address, count } => tcp::connect_refused(address, count)?,
        Command::Reset { address, count } => tcp::reset(address, count)?,
        Command::Settle { port } => tcp::settle(port)?,
        Command::Hold { address } => tcp::hold(address)?,
        Command::Write { bytes } => tcp::write(bytes)?,
        Command::Release => tcp::release()?,
        Command::OpenMissing { threads, count } => syscall::open_missing(threads, count)?,
        Command::OpenLong { length, count } => syscall::open_long(length, count)?,
        Command::OpenUnmapped { count } => syscall::open_unmapped(count)?,
        Command::Syscall { number, count } => syscall::bare(number, count),
        Command::Script => script::run()?,
        Command::Calls => script::once(),
        Command::Sleep { milliseconds } => std::thread::sleep(std::time::Duration::from_millis(milliseconds)),
        Command::Sleeps { threads, count, milliseconds } => return sleep::many(threads, count, milliseconds),
        Command::SleepInterrupted { milliseconds } => return sleep::interrupted(milliseconds),
        Command::SleepKilled { milliseconds } => return sleep::killed(milliseconds),
        Command::Bench { what, count } => return bench::run(what, count, image),
    }
    Ok(String::new())
}
